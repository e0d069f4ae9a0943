/** Lower-case words joined by dashes, at least two, after an optional domain. */
const RIGHT = /^(?:[^/]+\/)?[a-z0-9]+(?:-[a-z0-9]+)+$/;

/**
 * What names could say better. Names are free: this is a hint, never a reason to refuse.
 *
 * @returns undefined for names such as `public-prod` or `example.com/private-dev`
 */
export function nameHint(classes: Iterable<string>): string | undefined {
  const odd = [...classes].filter((name) => !RIGHT.test(name)).sort();
  if (odd.length === 0) return undefined;
  return `the name <network>-<environment>, such as public-prod, would tell more than ${
    odd.join(", ")
  }`;
}
