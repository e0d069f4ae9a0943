import { nowMs } from "./clock.ts";
import { run } from "./command.ts";
import { Namespace } from "./namespace.ts";
import type { HeldAddress } from "./namespace.ts";
import type { Child } from "./child.ts";

/** Nobody has it: frames to it are flooded and dropped by everybody. */
const DEAD_MAC = "02:77:de:ad:de:ad";
const CARRIER_MS = 30_000;

interface HostOptions {
  name: string;
  bridge: string;
  ip: string;
  /** Length of the prefix of its subnet. */
  bits: number;
  /** Of its /64. */
  ip6: string;
  gatewayIp: string;
  mac: string;
}

/** A node or the client: one namespace with one interface on the bridge. */
export class LabHost implements AsyncDisposable {
  /** For example "node-1" or "client". */
  readonly name: string;
  readonly ip: string;
  readonly ip6: string;
  readonly mac: string;
  /** Its interface on the bridge. */
  readonly interface = "eth0";
  /** The bridge's end of its cable, in the namespace of this process. */
  readonly #port: string;
  readonly #options: HostOptions;
  readonly #namespace: Namespace;

  private constructor(options: HostOptions, namespace: Namespace) {
    this.name = options.name;
    this.ip = options.ip;
    this.ip6 = options.ip6;
    this.mac = options.mac;
    this.#port = `p-${options.name}`;
    this.#options = options;
    this.#namespace = namespace;
  }

  static async create(options: HostOptions): Promise<LabHost> {
    await using stack = new AsyncDisposableStack();
    const namespace = stack.use(await Namespace.create());
    const host = new LabHost(options, namespace);
    await run(
      ["ip", "-batch", "-"],
      `link add ${host.#port} type veth peer name eth0 address ${host.mac} netns ${namespace.pid}
       link set ${host.#port} master ${options.bridge} up`,
    );
    await host.exec(
      ["ip", "-batch", "-"],
      `link set lo up
       address add ${host.ip}/${options.bits} dev eth0
       address add ${host.ip6}/64 dev eth0 nodad
       link set eth0 up`,
    );
    // The kernel begins to send some time after the carrier is there, and loses frames until then.
    const endMs = nowMs() + CARRIER_MS;
    while (!/ state UP/.test(await host.exec(["ip", "link", "show", "eth0"]))) {
      if (nowMs() > endMs) throw new Error(`${host.name} has no carrier`);
    }
    stack.move();
    return host;
  }

  /** For people who want to look around: a shell on the host, from outside of the lab. */
  get shellCommand(): string {
    // In the first user namespace all ids map to themselves (user_namespaces(7)).
    const [, , count] = Deno.readTextFileSync("/proc/self/uid_map").trim().split(/\s+/);
    const user = count === "4294967295" ? "" : " --user --preserve-credentials";
    return `nsenter --target ${this.#namespace.pid}${user} --net`;
  }

  /** Runs a command on the host to its end. */
  exec(command: readonly string[], stdin?: string): Promise<string> {
    return this.#namespace.exec(command, stdin);
  }

  /** Starts a process on the host; it ends with the lab at the latest. */
  spawn<T>(command: readonly string[], env?: Record<string, string>): Child<T> {
    return this.#namespace.spawn(command, env);
  }

  /** Its addresses as the kernel has them now, loopback left out. */
  addresses(): Promise<HeldAddress[]> {
    return this.#namespace.addresses();
  }

  /** Pulls the cable: the interface stays up and has no carrier. */
  async linkDown(): Promise<void> {
    await run(["ip", "link", "set", this.#port, "down"]);
  }

  async linkUp(): Promise<void> {
    await run(["ip", "link", "set", this.#port, "up"]);
  }

  /** Plugs its cable into another bridge. */
  async plugInto(bridge: string): Promise<void> {
    await run(["ip", "link", "set", this.#port, "master", bridge]);
  }

  /** Isolated hosts don't hear each other, but the API server and all other hosts. */
  async isolate(isolated = true): Promise<void> {
    const state = isolated ? "on" : "off";
    await run(["ip", "link", "set", this.#port, "type", "bridge_slave", "isolated", state]);
  }

  /**
   * Packets between the host and the API server get lost without a word, in both directions: each
   * has a permanent neighbour entry with a MAC that nobody has. The other hosts still hear it.
   */
  async cutApi(): Promise<void> {
    const { bridge, gatewayIp } = this.#options;
    const neighbour = (
      ip: string,
      link: string,
    ) => ["ip", "neigh", "replace", ip, "lladdr", DEAD_MAC, "dev", link, "nud", "permanent"];
    await Promise.all([
      this.exec(neighbour(gatewayIp, this.interface)),
      run(neighbour(this.ip, bridge)),
    ]);
  }

  async restoreApi(): Promise<void> {
    const { bridge, gatewayIp } = this.#options;
    await Promise.all([
      this.exec(["ip", "neigh", "del", gatewayIp, "dev", this.interface]),
      run(["ip", "neigh", "del", this.ip, "dev", bridge]),
    ]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // The kernel takes a namespace down some time after its last process: the cable goes first, so
    // that its name is free for the next lab.
    await run(["ip", "link", "del", this.#port]).catch(() => {});
    await this.#namespace[Symbol.asyncDispose]();
  }
}
