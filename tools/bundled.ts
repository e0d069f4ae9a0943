/**
 * What is really in the program: the packages whose files the bundler took.
 *
 * @module
 */

/** A package of npm or JSR. */
export interface Package {
  readonly registry: "npm" | "jsr";
  readonly name: string;
  readonly version: string;
  /** The folder with its files, where it was downloaded; undefined for JSR. */
  readonly folder?: string;
}

const FILE = /^\/\/ (.*\/npm\/[^/]+\/((?:@[^/]+\/)?[^/]+)\/(\d+\.[^/]+))\//;
const JSR = /^\/\/ .*\/(@[^/]+\/[^/]+)\/(\d+\.\d+\.[^/]+)\//;

/**
 * @param bundle A bundle that was not minified: before each file stands a comment with its path.
 * @returns each package once, sorted.
 */
export function bundledPackages(bundle: string): Package[] {
  const found = new Map<string, Package>();
  for (const line of bundle.split("\n")) {
    const npm = FILE.exec(line);
    const jsr = npm === null ? JSR.exec(line) : null;
    if (npm !== null) {
      const [, folder, name, version] = npm;
      found.set(`${name}@${version}`, {
        registry: "npm",
        name: name!,
        version: version!,
        folder: folder!,
      });
    } else if (jsr !== null) {
      const [, name, version] = jsr;
      found.set(`${name}@${version}`, { registry: "jsr", name: name!, version: version! });
    }
  }
  return [...found].sort(([a], [b]) => a < b ? -1 : 1).map(([, one]) => one);
}
