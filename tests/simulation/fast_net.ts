import type { LeaseApi } from "../../lib/election/elector.ts";
import {
  ARP_REPLY,
  ARP_REQUEST,
  type ArpPacket,
  arpReplyFrame,
  decodeArp,
} from "../../lib/net/arp.ts";
import { decodeEthernet } from "../../lib/net/ethernet.ts";
import { VIP } from "./agent.ts";
import { BeaconFrames, isBeacon } from "./beacon_frames.ts";
import type { FastParts } from "./fast_agent.ts";
import { FastChecker } from "./fast_checker.ts";
import type { FastPlan } from "./fast_schedule.ts";
import { DEVICE_INDEX } from "./kernel.ts";
import type { Node } from "./node.ts";
import { Segment } from "./segment.ts";
import type { World } from "./world.ts";

/** What fast mode adds to a world: a segment that carries beacons, questions and their answers. */
export class FastNet {
  readonly plan: FastPlan;
  readonly segment: Segment;
  readonly checker: FastChecker;
  readonly codec = new BeaconFrames();
  readonly world: World;

  constructor(world: World, plan: FastPlan) {
    this.world = world;
    this.plan = plan;
    const ports = world.schedule.nodes.map((_, at) => ({
      arrived: (frame: Uint8Array, from: number, sign: boolean) => {
        const node = world.nodes[at]!;
        if (node.machine.asleep) return false;
        this.#arrived(frame, world.nodes[from], node, sign);
        return true;
      },
    }));
    this.segment = new Segment(world.timeline, world.random, ports);
    this.checker = new FastChecker(world, plan, this.segment);
  }

  partsFor(node: Node): FastParts {
    const { intervalMs, withoutDevice } = this.plan;
    return {
      intervalMs,
      codec: this.codec,
      homeIndex: withoutDevice ? undefined : DEVICE_INDEX,
      declaresDead: (term) => this.checker.declaresDead(node, term),
    };
  }

  /** Tells the checker what a node writes. */
  watching(api: LeaseApi, by: Node): LeaseApi {
    return {
      get: (options) => api.get(options),
      create: (lease, options) => api.create(lease, options),
      replace: async (lease, options) => {
        this.checker.writes(lease, by);
        const sentAtMs = this.world.timeline.nowMs;
        const written = await api.replace(lease, options);
        this.checker.answered(by, sentAtMs);
        return written;
      },
    };
  }

  /** A node's kernel puts a frame on the segment. */
  send(frame: Uint8Array, node: Node): void {
    if (!isBeacon(frame) && readArp(frame)?.senderIp.text === VIP) {
      this.world.checker.frameSent(node);
    }
    this.segment.broadcast(frame, this.world.nodes.indexOf(node));
  }

  #arrived(frame: Uint8Array, from: Node | undefined, at: Node, sign: boolean): void {
    const { process, agent } = at;
    if (isBeacon(frame)) {
      const said = this.codec.decode(frame);
      const news = sign && from !== undefined && typeof said === "object" &&
        this.checker.beaconArrived(said, from, at);
      return process?.wake(() => {
        if (news) this.checker.beaconRead(said, at);
        agent?.fast?.hearBeacon(frame);
      });
    }
    const packet = readArp(frame);
    if (packet === undefined || from === undefined) return;
    this.#answer(packet, from, at);
    if (packet.senderIp.text !== VIP) return;
    if (packet.operation === ARP_REPLY && packet.targetIp.text !== VIP) {
      this.checker.answerArrived(from, at);
    }
    process?.wake(() => agent?.fast?.hearArp(frame));
  }

  /** The kernel answers, whatever the process does. */
  #answer({ operation, senderMac, senderIp, targetIp }: ArpPacket, from: Node, at: Node): void {
    if (operation !== ARP_REQUEST || senderIp.text === VIP) return;
    if (targetIp.text !== VIP || !at.kernel.present) return;
    const { nodes } = this.world;
    this.segment.unicast(
      arpReplyFrame({
        senderMac: at.kernel.links()[0]!.mac,
        senderIp: targetIp,
        targetMac: senderMac,
        targetIp: senderIp,
      }),
      nodes.indexOf(at),
      nodes.indexOf(from),
    );
  }
}

/** Each frame is read by many. */
const READ = new WeakMap<Uint8Array, ArpPacket>();

function readArp(frame: Uint8Array): ArpPacket | undefined {
  let packet = READ.get(frame);
  if (packet === undefined) {
    const ethernet = decodeEthernet(frame);
    packet = ethernet && decodeArp(ethernet.payload);
    if (packet !== undefined) READ.set(frame, packet);
  }
  return packet;
}
