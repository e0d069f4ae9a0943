import { type Link, linkObstacle } from "../net/link.ts";

/**
 * Whether the node's links let it hold. One that fails under its VIPs does not, until it is well
 * again; one that was no better when they came, beside others that are well, is no reason to leave
 * those: the next holder may find no better either.
 */
export class LinkCondition {
  readonly #always: readonly string[];
  /** Links that failed while VIPs were announced on them. */
  readonly #lost = new Set<string>();
  #before: readonly Link[] = [];

  /** @param setting name of the interface that VIPs need at any rate, or "auto" */
  constructor(setting: string) {
    this.#always = setting === "auto" ? [] : [setting];
  }

  /**
   * @param used names of interfaces that VIPs are announced on now
   * @returns what is wrong, in words for people; undefined: nothing
   */
  obstacle(used: ReadonlySet<string>, links: readonly Link[]): string | undefined {
    const isWell = (name: string) => linkObstacle(name, links) === undefined;
    const isUseless = ![...used].some(isWell);
    for (const name of used) {
      if (isUseless || linkObstacle(name, this.#before) === undefined) this.#lost.add(name);
    }
    for (const name of this.#lost) if (isWell(name)) this.#lost.delete(name);
    this.#before = links;
    const broken = [...this.#always, ...this.#lost].find((name) => !isWell(name));
    return broken === undefined ? undefined : linkObstacle(broken, links);
  }
}
