import { makeServerCertificate } from "../lab/api/certificate.ts";
import type { Child } from "../lab/child.ts";
import { rest } from "../lab/clock.ts";
import type { LabHost } from "../lab/host.ts";
import { kubeconfig } from "../lab/kubeconfig.ts";
import type { Lab } from "../lab/lab.ts";
import { Kube } from "../scenarios/kube.ts";
import { apiServerFlags, etcdFlags, writeAuthentication } from "./programs.ts";

const API_PORT = 6443;
/** Has the rights of deploy/control-plane/rbac.yaml and no others. */
const USER = "classvip-control-plane";
const ETCD_PORT = 2379;
const PEER_PORT = 2380;
/** A kube-apiserver takes its time on a small machine that starts three. */
const READY_MS = 90_000;

/**
 * A control plane as kubeadm makes it: an API server on each node, reached by the kubeconfig at one
 * VIP; here with one etcd for all, beside the nodes.
 */
export class ApiServers implements AsyncDisposable {
  readonly #running = new Map<string, Child<unknown>>();
  readonly #certificate: { cert: string; key: string };
  readonly #assets: string;
  readonly #stack: AsyncDisposableStack;

  private constructor(
    readonly lab: Lab,
    readonly vip: string,
    readonly dir: string,
    readonly token: string,
    readonly caCert: string,
    certificate: { cert: string; key: string },
    assets: string,
    stack: AsyncDisposableStack,
  ) {
    this.#certificate = certificate;
    this.#assets = assets;
    this.#stack = stack;
  }

  /** Starts the etcd, and no API server yet. */
  static async create(assets: string, lab: Lab, vip: string, dir: string): Promise<ApiServers> {
    await using stack = new AsyncDisposableStack();
    const { caCert, cert, key } = await makeServerCertificate([
      "kubernetes",
      vip,
      lab.gatewayIp,
      ...lab.nodes.map(({ ip }) => ip),
    ]);
    const token = crypto.randomUUID();
    const certificate = { cert, key };
    const servers = new ApiServers(lab, vip, dir, token, caCert, certificate, assets, stack);
    for (const { name } of lab.nodes) {
      await Deno.mkdir(`${dir}/${name}`, { recursive: true });
      await servers.giveCertificate(name, certificate);
    }
    await writeAuthentication(dir, [
      `${token},admin,admin,system:masters`,
      `${token}-user,${USER},1`,
    ]);
    await Deno.writeTextFile(`${dir}/ca.crt`, caCert);
    const server = servers.url;
    await Deno.writeTextFile(servers.kubeconfig, kubeconfig({ server, caCert, token }));
    await Deno.writeTextFile(
      servers.userKubeconfig,
      kubeconfig({ server, caCert, token: `${token}-user` }),
    );
    // On the bridge, beside the nodes: in the namespace of this process.
    const client = `http://${lab.gatewayIp}:${ETCD_PORT}`;
    const peer = `http://${lab.gatewayIp}:${PEER_PORT}`;
    const etcd = new Deno.Command("setpriv", {
      args: [
        ...["--pdeathsig", "KILL", "--", `${assets}/etcd`],
        ...etcdFlags(dir, client, peer),
        "--unsafe-no-fsync",
        "--log-level=error",
      ],
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    stack.defer(async () => {
      etcd.kill("SIGKILL");
      await etcd.status;
    });
    return new ApiServers(lab, vip, dir, token, caCert, certificate, assets, stack.move());
  }

  /** As all clients know it. */
  get url(): string {
    return `https://${this.vip}:${API_PORT}`;
  }

  /** Path of a kubeconfig with all rights, at the VIP. */
  get kubeconfig(): string {
    return `${this.dir}/admin.conf`;
  }

  /** Of the user that deploy/control-plane/rbac.yaml is for. */
  get userKubeconfig(): string {
    return `${this.dir}/user.conf`;
  }

  /** A running server takes it over within a second or so. */
  async giveCertificate(node: string, { cert, key }: { cert: string; key: string }): Promise<void> {
    await Deno.writeTextFile(`${this.dir}/${node}/server.key`, key);
    await Deno.writeTextFile(`${this.dir}/${node}/server.crt`, cert);
  }

  async restoreCertificate(node: string): Promise<void> {
    await this.giveCertificate(node, this.#certificate);
  }

  start(node: LabHost): void {
    const { dir } = this;
    const own = `${dir}/${node.name}`;
    this.#running.set(
      node.name,
      node.spawn([
        ...["sh", "-c", 'log=$1; shift; exec "$@" >>"$log" 2>&1', "sh", `${own}/log`],
        `${this.#assets}/kube-apiserver`,
        ...apiServerFlags({
          dir,
          certificateDir: own,
          etcd: `http://${this.lab.gatewayIp}:${ETCD_PORT}`,
          address: node.ip,
          port: API_PORT,
          listen: "0.0.0.0",
        }),
      ], { GOGC: "50" }),
    );
  }

  /** Waits until the server of this node is ready, whoever has the VIP. */
  async ready(node: LabHost): Promise<void> {
    using client = Deno.createHttpClient({ caCerts: [this.caCert], poolMaxIdlePerHost: 0 });
    const endMs = performance.now() + READY_MS;
    for (;;) {
      const signal = AbortSignal.timeout(2000);
      const response = await fetch(`https://${node.ip}:${API_PORT}/readyz`, {
        client,
        signal,
        headers: { authorization: `Bearer ${this.token}` },
      }).catch(() => undefined);
      await response?.body?.cancel();
      if (response?.status === 200) return;
      if (performance.now() > endMs) {
        const text = await Deno.readTextFile(`${this.dir}/${node.name}/log`).catch(() => "");
        throw new Error(`The API server of ${node.name} is not ready:\n${text.slice(-2000)}`);
      }
      await rest(200);
    }
  }

  async signal(node: LabHost, signal: Deno.Signal): Promise<void> {
    const child = this.#running.get(node.name)!;
    child.signal(signal);
    if (signal === "SIGKILL") await child.status;
  }

  /** The admin's hands on the server of one node. */
  kube(node: LabHost): Kube {
    const { caCert, token } = this;
    return new Kube({ url: `https://${node.ip}:${API_PORT}`, caCert, token });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#running.values()].map((child) => child[Symbol.asyncDispose]()));
    await this.#stack.disposeAsync();
  }
}
