import { Child } from "./child.ts";
import { run } from "./command.ts";

/** An address of an interface, as the kernel has it. */
export interface HeldAddress {
  readonly interface: string;
  readonly ip: string;
  readonly prefixLength: number;
  /** Seconds until the kernel removes it; Infinity for ever. */
  readonly validSeconds: number;
}

/** The part of `ip -j address` that is read here. */
interface IpAddressJson {
  ifname?: string;
  addr_info?: { local: string; prefixlen: number; valid_life_time: number }[];
}

/** 2³² − 1: INFINITY_LIFE_TIME in linux/if_addr.h. */
const FOREVER = 0xffffffff;

/**
 * A network namespace. A process that waits for the end of its standard input holds it, so it goes
 * away with this process however that ends, without mounts and as any user.
 */
export class Namespace implements AsyncDisposable {
  readonly #holder: Deno.ChildProcess;
  readonly #children = new Set<AsyncDisposable>();

  private constructor(holder: Deno.ChildProcess) {
    this.#holder = holder;
  }

  static async create(): Promise<Namespace> {
    const holder = new Deno.Command("unshare", {
      args: ["--net", "sh", "-c", "echo ready && exec cat"],
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    const reader = holder.stdout.getReader();
    const { done } = await reader.read();
    await reader.cancel();
    const namespace = new Namespace(holder);
    if (!done) return namespace;
    await namespace[Symbol.asyncDispose]();
    throw new Error("unshare --net failed: see above");
  }

  /** Process id by which ip(8) and nsenter(1) name the namespace. */
  get pid(): number {
    return this.#holder.pid;
  }

  /** Runs a command in the namespace to its end; see {@linkcode run}. */
  exec(command: readonly string[], stdin?: string): Promise<string> {
    return run([...this.#enter(), ...command], stdin);
  }

  /** Starts a process in the namespace; it ends with the namespace at the latest. */
  spawn<T>(command: readonly string[], env?: Record<string, string>): Child<T> {
    const child = new Child<T>([...this.#enter(), ...command], env);
    this.#children.add(child);
    return child;
  }

  /** All addresses except the loopback's, as the kernel has them now. */
  async addresses(): Promise<HeldAddress[]> {
    const links: IpAddressJson[] = JSON.parse(await this.exec(["ip", "-j", "address"]));
    return links.filter((link) => link.ifname !== "lo").flatMap((link) =>
      (link.addr_info ?? []).map((address) => ({
        interface: link.ifname ?? "",
        ip: address.local,
        prefixLength: address.prefixlen,
        validSeconds: address.valid_life_time === FOREVER ? Infinity : address.valid_life_time,
      }))
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#children].map((child) => child[Symbol.asyncDispose]()));
    await this.#holder.stdin.close();
    await this.#holder.status;
  }

  #enter(): string[] {
    return ["nsenter", `--net=/proc/${this.pid}/ns/net`, "--"];
  }
}
