/** Lower-case words joined by dashes, at least two, after an optional domain. */
const RIGHT = /^(?:[^/]+\/)?[a-z0-9]+(?:-[a-z0-9]+)+$/;

/**
 * What a name could say better. Names are free: this is a hint, never a reason to refuse.
 *
 * @returns undefined for a name such as `public-prod` or `example.com/private-dev`
 */
export function nameHint(loadBalancerClass: string): string | undefined {
  if (RIGHT.test(loadBalancerClass)) return undefined;
  return `class ${loadBalancerClass}: <network>-<environment>, such as public-prod, tells in one ` +
    "look which network it is on and how important it is";
}
