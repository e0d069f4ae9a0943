import type { ControlPlane } from "../tests/cluster/control_plane.ts";
import { RealPlane } from "../tests/cluster/real_plane.ts";
import type { ArpFrame } from "../tests/lab/arp_frames.ts";
import { EmbeddedPlane } from "../tests/lab/embedded_plane.ts";
import { kubeconfig } from "../tests/lab/kubeconfig.ts";
import { Lab } from "../tests/lab/lab.ts";
import { Sniffer } from "../tests/lab/sniffer.ts";
import { Kube } from "../tests/scenarios/kube.ts";
import type { Plane } from "../tests/scenarios/plane.ts";
import { giveRoom } from "./many_vips.ts";
import { auditedRequests, classify, type RequestLog } from "./requests.ts";

const NODES = 3;
/** Host number of the first VIP in the lab's subnet. */
const FIRST_VIP = 100;
const LAST_VIP = 1022;

/** Where all parts are measured: three nodes, a client that hears every frame, an API server. */
export class Ground implements AsyncDisposable {
  #vips = 0;
  #names = 0;
  #clusterIps = 0;

  private constructor(
    readonly lab: Lab,
    readonly plane: Plane,
    /** The programs behind it; undefined for the lab's own API server. */
    readonly control: ControlPlane | undefined,
    /** What API server it is, in words. */
    readonly apiServer: string,
    readonly requests: RequestLog,
    readonly kube: Kube,
    readonly sniffer: Sniffer,
    /** Folder for files. */
    readonly dir: string,
    /** Path of a kubeconfig with all rights. */
    readonly kubeconfig: string,
    readonly stack: AsyncDisposableStack,
  ) {}

  /** @param assets folder with etcd and kube-apiserver; without it the lab's own server is used */
  static async create(assets: string | undefined): Promise<Ground> {
    await using stack = new AsyncDisposableStack();
    const dir = await Deno.makeTempDir({ prefix: "classvip-bench-" });
    stack.defer(() => Deno.remove(dir, { recursive: true }));
    const lab = stack.use(await Lab.create({ nodes: NODES }));
    await giveRoom(lab.nodes);
    let plane: RealPlane | EmbeddedPlane;
    let requests: RequestLog;
    if (assets) {
      const real = plane = await RealPlane.start(assets, lab.gatewayIp, dir);
      requests = {
        read: async () => auditedRequests(await Deno.readTextFile(real.control.auditLog)),
      };
    } else {
      const { api } = plane = await EmbeddedPlane.start(lab.gatewayIp);
      requests = {
        read: () =>
          Promise.resolve(
            api.requests.map(({ method, path, query }) => classify(method, path, query)),
          ),
      };
    }
    stack.use(plane);
    const kube = stack.use(new Kube(plane));
    const { gitVersion } = await kube.request<{ gitVersion: string }>("GET", "/version");
    const apiServer = assets
      ? `kube-apiserver ${gitVersion}`
      : "the lab's own API server (KUBEBUILDER_ASSETS names no folder with etcd and kube-apiserver)";
    const sniffer = stack.use(await Sniffer.start(lab.client));
    const path = `${dir}/kubeconfig`;
    const { url: server, caCert, token } = plane;
    await Deno.writeTextFile(path, kubeconfig({ server, caCert, token }));
    const control = plane instanceof RealPlane ? plane.control : undefined;
    const own = stack.move();
    return new Ground(lab, plane, control, apiServer, requests, kube, sniffer, dir, path, own);
  }

  /** An address of the lab's subnet; the first ones come again when all were used. */
  freshVip(): string {
    return this.lab.address(FIRST_VIP + this.#vips++ % (LAST_VIP - FIRST_VIP));
  }

  /** A name that nothing here has, for a namespace and what is in it. */
  freshName(): string {
    return `bench-${++this.#names}`;
  }

  /** A cluster IP that nothing here has, for a Service that the API server did not create. */
  freshClusterIp(): string {
    const i = this.#clusterIps++;
    // It gives its own from the lower part.
    return `10.96.${128 + (i >> 8)}.${i & 255}`;
  }

  /** The frames since `sinceMs` in which somebody says that he has the address. */
  claims(vip: string, sinceMs: number): ArpFrame[] {
    const { frames } = this.sniffer;
    let first = frames.length;
    while (first > 0 && frames[first - 1]!.atMs >= sinceMs) first--;
    return frames.slice(first).filter(({ senderIp }) => senderIp === vip);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stack.disposeAsync();
  }
}

/** Nothing happens for a while: processes come to rest, bursts of announcements end. */
export function rest(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
