import { makeServerCertificate } from "../lab/api/certificate.ts";
import { rest } from "../lab/clock.ts";
import { apiServerFlags, etcdFlags, writeAuthentication } from "./programs.ts";

/** How to start a control plane. */
export interface ControlPlaneOptions {
  /** Folder with the programs `etcd` and `kube-apiserver` (`KUBEBUILDER_ASSETS`). */
  assets: string;
  /** Folder of this control plane's own for data, keys and logs; made when missing. */
  dir: string;
  /** Address to listen on and to be reached at. Default "127.0.0.1". */
  hostname?: string;
  /** Further addresses or names in the certificate. */
  names?: string[];
  /** Milliseconds for /readyz to answer. Default 60,000. */
  readyMs?: number;
}

const AUDIT_POLICY = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: Metadata
`;

/** Changes in one transaction; etcd takes 128 at most. */
const ETCD_TRANSACTION = 100;
const TRANSACTION_MS = 50;

/**
 * A real etcd with a real kube-apiserver in front, without controllers, scheduler or kubelets.
 *
 * RBAC is enforced; `token` belongs to a member of system:masters. Requests are written as audit
 * events, one JSON object a line, to `auditLog`.
 */
export class ControlPlane implements AsyncDisposable {
  readonly url: string;
  readonly token: string;
  /** PEM of the authority that signed the server's certificate. */
  readonly caCert: string;
  readonly auditLog: string;
  /** Log of kube-apiserver. */
  readonly log: string;
  readonly #options: ControlPlaneOptions;
  readonly #ports: { etcd: number; etcdPeer: number; api: number };
  #etcd: Program | undefined;
  #apiServer: Program | undefined;

  private constructor(
    options: ControlPlaneOptions,
    ports: { etcd: number; etcdPeer: number; api: number },
    token: string,
    caCert: string,
  ) {
    const hostname = options.hostname ?? "127.0.0.1";
    this.#options = options;
    this.#ports = ports;
    this.url = `https://${hostname.includes(":") ? `[${hostname}]` : hostname}:${ports.api}`;
    this.token = token;
    this.caCert = caCert;
    this.auditLog = `${options.dir}/audit.log`;
    this.log = `${options.dir}/kube-apiserver.log`;
  }

  /**
   * Starts both and waits until /readyz answers.
   *
   * @throws {Error} with the end of the log when one of them does not come up.
   */
  static async start(options: ControlPlaneOptions): Promise<ControlPlane> {
    const { dir, hostname = "127.0.0.1", names = [] } = options;
    await Deno.mkdir(dir, { recursive: true });
    const token = crypto.randomUUID();
    const { cert, key, caCert } = await makeServerCertificate([
      ...new Set(["127.0.0.1", "localhost", hostname, ...names]),
    ]);
    const write = (name: string, text: string) =>
      Deno.writeTextFile(`${dir}/${name}`, text, { mode: 0o600 });
    await write("ca.crt", caCert);
    await write("server.crt", cert);
    await write("server.key", key);
    await writeAuthentication(dir, [`${token},admin,admin,system:masters`]);
    await write("audit.yaml", AUDIT_POLICY);
    const [etcd, etcdPeer] = freePorts("127.0.0.1", 2);
    const [api] = freePorts(hostname, 1);
    const plane = new ControlPlane(
      options,
      { etcd: etcd!, etcdPeer: etcdPeer!, api: api! },
      token,
      caCert,
    );
    try {
      plane.#startEtcd();
      await plane.startApiServer();
    } catch (error) {
      await plane[Symbol.asyncDispose]();
      throw error;
    }
    return plane;
  }

  /** An HTTP client that trusts the server; the caller closes it. */
  httpClient(): Deno.HttpClient {
    return Deno.createHttpClient({ caCerts: [this.caCert] });
  }

  /** Starts the API server on its port and waits until /readyz answers. */
  async startApiServer(): Promise<void> {
    const { assets, dir, hostname = "127.0.0.1", readyMs = 60_000 } = this.#options;
    this.#apiServer = new Program(`${assets}/kube-apiserver`, this.log, [
      ...apiServerFlags({
        dir,
        certificateDir: dir,
        etcd: `http://127.0.0.1:${this.#ports.etcd}`,
        address: hostname,
        port: this.#ports.api,
      }),
      `--audit-policy-file=${dir}/audit.yaml`,
      `--audit-log-path=${this.auditLog}`,
      // Nothing reaches Services here: the endpoints of the Service "kubernetes" are not kept.
      "--endpoint-reconciler-type=none",
    ]);
    await this.#ready(readyMs);
  }

  /**
   * Stops the API server; etcd keeps its data. SIGKILL for a crash.
   *
   * After SIGTERM it closes its port at once and waits up to 60 s for open watches, as long as
   * nobody closes them; it is given `graceMs`.
   */
  async stopApiServer(signal: Deno.Signal = "SIGTERM", graceMs = 3_000): Promise<void> {
    await this.#apiServer?.stop(signal, graceMs);
    this.#apiServer = undefined;
  }

  /** Stops the API server and starts it again on the same port. */
  async restartApiServer(signal: Deno.Signal = "SIGTERM"): Promise<void> {
    await this.stopApiServer(signal);
    await this.startApiServer();
  }

  /**
   * Makes the server answer with 410 to versions before now: etcd forgets them, and so does the API
   * server's cache of events, by a restart.
   */
  async forget(): Promise<void> {
    const { header } = await this.#askEtcd("/range", { key: btoa("/") });
    await this.#askEtcd("/compaction", { revision: header.revision, physical: true });
    await this.restartApiServer("SIGKILL");
  }

  /**
   * Puts objects where the API server keeps them, a hundred times as fast as it does: nothing is
   * checked, and nothing is filled in but what it fills in when it reads.
   *
   * @param objects by what follows "/registry/", ASCII alone: "services/specs/default/web"
   */
  async store(objects: ReadonlyMap<string, object>): Promise<void> {
    const puts = [...objects].map(([key, object]) => ({
      requestPut: { key: btoa(`/registry/${key}`), value: btoa(JSON.stringify(object)) },
    }));
    for (let i = 0; i < puts.length; i += ETCD_TRANSACTION) {
      await this.#askEtcd("/txn", { success: puts.slice(i, i + ETCD_TRANSACTION) });
      // The API server hangs up on watchers of its own that cannot keep up.
      await rest(TRANSACTION_MS);
    }
  }

  /** Asks etcd by its JSON gateway. */
  // deno-lint-ignore no-explicit-any
  async #askEtcd(path: string, body: object): Promise<any> {
    const etcd = `http://127.0.0.1:${this.#ports.etcd}/v3/kv`;
    const response = await fetch(etcd + path, { method: "POST", body: JSON.stringify(body) });
    if (response.ok) return await response.json();
    throw new Error(`etcd answers ${response.status}: ${await response.text()}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stopApiServer("SIGKILL");
    await this.#etcd?.stop("SIGTERM", 5_000);
    this.#etcd = undefined;
  }

  #startEtcd(): void {
    const { assets, dir } = this.#options;
    const client = `http://127.0.0.1:${this.#ports.etcd}`;
    const peer = `http://127.0.0.1:${this.#ports.etcdPeer}`;
    this.#etcd = new Program(`${assets}/etcd`, `${dir}/etcd.log`, [
      ...etcdFlags(dir, client, peer),
      "--log-level=warn",
    ]);
  }

  async #ready(readyMs: number): Promise<void> {
    using client = this.httpClient();
    const headers = { authorization: `Bearer ${this.token}` };
    const deadline = performance.now() + readyMs;
    let last: unknown;
    while (performance.now() < deadline) {
      for (const program of [this.#etcd, this.#apiServer]) {
        if (program?.exited) throw new Error(await program.failure("ended"));
      }
      try {
        const signal = AbortSignal.timeout(2_000);
        const response = await fetch(`${this.url}/readyz`, { client, headers, signal });
        last = await response.text();
        if (response.ok) return;
      } catch (error) {
        last = error;
      }
      await rest(100);
    }
    throw new Error(
      await this.#apiServer!.failure(`is not ready after ${readyMs} ms (${last})`),
    );
  }
}

/** A child process that writes its output to a file. */
class Program {
  exited = false;
  readonly #child: Deno.ChildProcess;
  readonly #status: Promise<unknown>;

  constructor(readonly path: string, readonly log: string, args: string[]) {
    // Through a shell that replaces itself, since Deno cannot hand a file to a child as its output.
    // It ends with this process, also when this one is killed: as Child of the lab.
    this.#child = new Deno.Command("setpriv", {
      args: [
        ...["--pdeathsig", "KILL", "--"],
        ...["sh", "-c", 'log=$1; shift; exec "$@" >>"$log" 2>&1', "sh", log, path, ...args],
      ],
      // Collect early: several control planes and the lab's agents share one small machine.
      env: { GOGC: "50" },
      stdin: "null",
    }).spawn();
    this.#status = this.#child.status.then(() => this.exited = true);
  }

  async stop(signal: Deno.Signal, graceMs: number): Promise<void> {
    if (!this.exited) this.#child.kill(signal);
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), graceMs);
    await this.#status;
    clearTimeout(timer);
  }

  async failure(what: string): Promise<string> {
    const text = await Deno.readTextFile(this.log).catch(() => "");
    const tail = text.trimEnd().split("\n").slice(-20).join("\n");
    return `${this.path} ${what}; the end of ${this.log}:\n${tail}`;
  }
}

/** Ports that are free now; all are held together while they are picked, so they differ. */
function freePorts(hostname: string, count: number): number[] {
  const listeners = Array.from({ length: count }, () => Deno.listen({ hostname, port: 0 }));
  const ports = listeners.map((listener) => listener.addr.port);
  for (const listener of listeners) listener.close();
  return ports;
}
