import { decodeEthernet, ETHERTYPE_HANDOVER } from "../../lib/net/ethernet.ts";
import { BROADCAST_MAC } from "../../lib/net/mac.ts";
import { equal } from "../../lib/net/bytes.ts";
import { CODEC } from "./agent.ts";
import type { Node } from "./node.ts";
import { between, derive, pick, type Random, seeded } from "./random.ts";
import { Segment } from "./segment.ts";
import type { World } from "./world.ts";

/** How often somebody plays frames of a handover again, or makes them up. */
const HOSTILE = 0.1;

/** The segment as far as it carries calls and offers: late, lost, doubled, played again, forged. */
export class HandoverNet {
  readonly #world: World;
  readonly #segment: Segment;
  readonly #random: Random;
  #lastId = "";

  constructor(world: World) {
    this.#world = world;
    const random = this.#random = seeded(derive(world.schedule.seed, 2));
    const ports = world.schedule.nodes.map((_, at) => ({
      arrived: (frame: Uint8Array) => {
        const { machine, process, agent } = world.nodes[at]!;
        if (machine.asleep) return false;
        process?.wake(() => agent?.hearHandover(frame));
        return true;
      },
    }));
    this.#segment = new Segment(world.timeline, random, ports);
    this.#segment.trouble(Infinity, {
      strikes: () => true,
      loss: pick(random, [0, 0, 0.3]),
      delayMs: pick(random, [0, 0, 20, 100, world.schedule.leaseDurationMs]),
      repeats: pick(random, [0, 0.3]),
    });
  }

  /** @returns whether the frame is one of a handover, and on its way */
  sent(frame: Uint8Array, by: Node): boolean {
    if (!isHandover(frame)) return false;
    const { nodes, timeline } = this.#world;
    const said = CODEC.decode(frame);
    if (typeof said === "object" && said.kind === "call") this.#lastId = said.id;
    const { destination } = decodeEthernet(frame)!;
    const to = nodes.findIndex(({ kernel }) => equal(kernel.links()[0]!.mac, destination));
    if (equal(destination, BROADCAST_MAC)) this.#segment.broadcast(frame, nodes.indexOf(by));
    else if (to >= 0) this.#segment.unicast(frame, nodes.indexOf(by), to);
    if (this.#random() < HOSTILE) {
      const laterMs = between(this.#random, 0, pick(this.#random, [5, 3000]));
      timeline.after(laterMs, () => this.#segment.replay(this.#random, () => this.#forged()));
    }
    return true;
  }

  /** An offer that nobody made, in the name of a node that is there. */
  #forged(): Uint8Array {
    const { kernel, identity, incarnation } = pick(this.#random, this.#world.nodes);
    const { mac } = kernel.links()[0]!;
    return CODEC.encode(
      {
        kind: "offer",
        node: identity,
        id: this.#lastId,
        incarnation,
        priority: 100,
        token: "made up",
      },
      mac,
      BROADCAST_MAC,
    );
  }
}

function isHandover(frame: Uint8Array): boolean {
  return frame[12]! << 8 === (ETHERTYPE_HANDOVER & 0xff00) &&
    frame[13] === (ETHERTYPE_HANDOVER & 0xff);
}
