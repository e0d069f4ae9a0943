import { nowMs } from "../lab/clock.ts";
import type { LabHost } from "../lab/host.ts";
import { AddressWatch } from "../lab/invariants.ts";
import { kubeconfig } from "../lab/kubeconfig.ts";
import { Lab } from "../lab/lab.ts";
import { Sniffer } from "../lab/sniffer.ts";
import { Kube } from "./kube.ts";
import type { Plane } from "./plane.ts";

/** How far a frame's time may be off: its reader waits for the processor like everybody. */
const FRAME_SLACK_MS = 250;
const NODES = 3;
/** Host numbers for VIPs. */
const VIPS = { first: 100, last: 1022 };

/**
 * What the scenarios of one file share: three nodes, a client that hears every frame, a look at
 * every node's addresses, and an API server.
 */
export class World<P extends Plane = Plane> implements AsyncDisposable {
  #vips = 0;
  #vips6 = 0;
  /** What was judged is not judged again: it would be every later scenario's failure too. */
  readonly #judged = { frames: 0, untilMs: 0 };

  private constructor(
    readonly lab: Lab,
    readonly plane: P,
    readonly kube: Kube,
    readonly sniffer: Sniffer,
    readonly watch: AddressWatch,
    /** Folder for files of the scenarios. */
    readonly dir: string,
    /** Path of a kubeconfig with all rights. */
    readonly kubeconfig: string,
    readonly stack: AsyncDisposableStack,
  ) {}

  /** @param startPlane starts the API server on this address. */
  static async create<P extends Plane & AsyncDisposable>(
    startPlane: (hostname: string, dir: string) => Promise<P>,
  ): Promise<World<P>> {
    await using stack = new AsyncDisposableStack();
    const dir = await Deno.makeTempDir({ prefix: "classvip-scenarios-" });
    stack.defer(() => Deno.remove(dir, { recursive: true }));
    const lab = stack.use(await Lab.create({ nodes: NODES }));
    const plane = stack.use(await startPlane(lab.gatewayIp, dir));
    const kube = stack.use(new Kube(plane));
    const [sniffer, watch] = await Promise.all([
      Sniffer.start(lab.client),
      AddressWatch.start(lab.nodes),
    ]);
    const path = `${dir}/kubeconfig`;
    const { url: server, caCert, token } = plane;
    await Deno.writeTextFile(path, kubeconfig({ server, caCert, token }));
    return new World(lab, plane, kube, sniffer, watch, dir, path, stack.move());
  }

  /** An address of the lab's subnet that no scenario has used before. */
  freshVip(): string {
    const host = VIPS.first + this.#vips++;
    if (host > VIPS.last) throw new RangeError("All VIPs of the subnet are used up");
    return this.lab.address(host);
  }

  /** As {@linkcode freshVip}, an IPv6 one. */
  freshVip6(): string {
    return this.lab.address6(VIPS.first + this.#vips6++);
  }

  /** The gratuitous frames for an address, or by one host only. */
  claims(vip: string, by?: LabHost): { atMs: number; senderMac: string }[] {
    return this.sniffer.frames.filter(({ gratuitous, senderIp, senderMac }) =>
      gratuitous && senderIp === vip && (by === undefined || senderMac === by.mac)
    );
  }

  /**
   * Judges what was seen since the last call.
   * @throws {Error} when an address was on two nodes, or was announced by a node without it.
   */
  assertInvariants(): void {
    const { frames, untilMs } = this.#judged;
    this.#judged.frames = this.sniffer.frames.length;
    this.#judged.untilMs = nowMs();
    this.watch.assertNoDoubles(untilMs);
    const { holdings } = this.watch;
    const slackMs = FRAME_SLACK_MS + holdings.longestPauseMs;
    for (const { atMs, senderIp, senderMac, gratuitous } of this.sniffer.frames.slice(frames)) {
      const node = this.lab.nodes.find(({ mac }) => mac === senderMac);
      if (!gratuitous || node === undefined || [node.ip, node.ip6].includes(senderIp)) continue;
      const held = holdings.of(senderIp).some(({ host, fromMs, toMs, open }) =>
        host === node.name && fromMs - slackMs <= atMs && (open || atMs <= toMs + slackMs)
      );
      if (held) continue;
      const agoMs = Math.round(nowMs() - atMs);
      throw new Error(`${node.name} announced ${senderIp} without having it, ${agoMs} ms ago`);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stack.disposeAsync();
  }
}
