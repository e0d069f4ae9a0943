import type { Node } from "./node.ts";
import type { World } from "./world.ts";

/** What must never be. */
export interface Violation {
  readonly atMs: number;
  readonly what: string;
}

/** Looks on while a simulation runs: the VIP is never at two places. */
export class Checker {
  violation: Violation | undefined;
  /** How often the right to hold began. */
  elections = 0;
  /** Frames sent. */
  frames = 0;
  protected readonly world: World;

  constructor(world: World) {
    this.world = world;
  }

  addressSet(node: Node, seconds: number, appeared: boolean): void {
    this.world.note(node.name, `VIP on the interface for ${seconds} s`, !appeared);
    this.look();
  }

  /** @param _excused that it was there for too long */
  addressVanished(node: Node, how: string, _excused: boolean): void {
    this.world.note(node.name, `VIP gone: ${how}`);
  }

  frameSent(node: Node): void {
    this.frames++;
    for (const other of this.world.nodes) {
      if (other !== node && other.present && !this.#forgiven(other) && !this.replaced(node)) {
        this.violated(`${node.name} announces the VIP while ${other.name} has it`);
      }
    }
  }

  elected(node: Node): void {
    this.elections++;
    this.world.note(node.name, "is the holder");
    for (const other of this.world.nodes) {
      const replaced = this.replaced(other) || this.replaced(node);
      if (other !== node && other.agent?.elector.mayHold() && !replaced) {
        this.violated(`${node.name} may hold while ${other.name} may`);
      }
    }
  }

  failed(node: Node, error: unknown): void {
    this.violated(`${node.name} failed: ${error}`);
  }

  /** Looks at all interfaces. */
  look(): void {
    const present = this.world.nodes.filter((node) => node.present && !this.#forgiven(node));
    if (present.length > 1) {
      this.violated(`${present.map(({ name }) => name).join(" and ")} have the VIP`);
    }
  }

  /** Whether all agents run, and one node has the VIP, rightfully, and no other has. */
  get served(): boolean {
    if (!this.world.nodes.every(({ process }) => process?.alive)) return false;
    const present = this.world.nodes.filter((node) => node.present);
    return present.length === 1 && present[0]!.agent?.elector.mayHold() === true;
  }

  notServed(afterMs: number): void {
    this.violated(`nobody has the VIP ${Math.round(afterMs)} ms after the last trouble`);
  }

  notAtRest(nodes: readonly Node[]): void {
    this.violated(`${nodes.map(({ name }) => name).join(" and ")} left something behind`);
  }

  /** After the end of the schedule. */
  finished(): void {}

  /** Whether a node's Lease was taken in a way that lets two have the VIP; never in strict mode. */
  protected replaced(_node: Node): boolean {
    return false;
  }

  protected get nowMs(): number {
    return this.world.timeline.nowMs;
  }

  #forgiven(node: Node): boolean {
    return node.excused || this.replaced(node);
  }

  protected violated(what: string): void {
    if (this.violation !== undefined) return;
    this.violation = { atMs: this.nowMs, what };
    this.world.note("", `VIOLATION: ${what}`);
  }
}
