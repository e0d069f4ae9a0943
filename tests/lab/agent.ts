import { PERMISSIONS } from "../../tools/build.ts";
import { dependencyFlags } from "../../tools/jsr.ts";
import type { Child } from "./child.ts";
import type { LabHost } from "./host.ts";

const MAIN = new URL("../../main.ts", import.meta.url).pathname;
/** One line of the agent's log in JSON. */
export type LogLine = Readonly<Record<string, unknown>>;

export interface AgentOptions {
  /** Path. */
  kubeconfig: string;
  /** Default: the node's. null: none is named. */
  interface?: string | null;
  /** More flags, for example `--loadBalancerClass=public-prod`. */
  flags?: readonly string[];
  env?: Record<string, string>;
  /** Default: {@linkcode classvipCommand}. */
  command?: readonly string[];
}

/** The command line of classvip: the program that CLASSVIP_BINARY names, or main.ts. */
export async function classvipCommand(): Promise<string[]> {
  const binary = Deno.env.get("CLASSVIP_BINARY");
  if (binary) return [binary];
  return [Deno.execPath(), "run", ...PERMISSIONS, ...await dependencyFlags(), MAIN];
}

/** Fetches what the agent imports: in the lab's namespace there is no way to a registry. */
export async function fetchDependencies(): Promise<void> {
  if (Deno.env.get("CLASSVIP_BINARY")) return;
  const { code } = await new Deno.Command(Deno.execPath(), {
    args: ["cache", "--quiet", ...await dependencyFlags(), MAIN],
  }).spawn().status;
  if (code !== 0) throw new Error("Could not fetch the dependencies: see above");
}

/** A classvip agent on a node. */
export class Agent implements AsyncDisposable {
  readonly #child: Child<LogLine>;

  private constructor(child: Child<LogLine>) {
    this.#child = child;
  }

  static async start(
    node: LabHost,
    { kubeconfig, interface: name = node.interface, flags = [], env, command }: AgentOptions,
  ): Promise<Agent> {
    const child = node.spawn<LogLine>([
      ...command ?? await classvipCommand(),
      "run",
      `--kubeconfig=${kubeconfig}`,
      `--nodeName=${node.name}`,
      ...name === null ? [] : [`--interface=${name}`],
      "--logFormat=json",
      ...flags,
    ], env);
    return new Agent(child);
  }

  get pid(): number {
    return this.#child.pid;
  }

  get logs(): readonly LogLine[] {
    return this.#child.reports.items;
  }

  /** All that it wrote, also what is no JSON. */
  get text(): string {
    return this.#child.text;
  }

  get ended(): boolean {
    return this.#child.ended;
  }

  get status(): Promise<Deno.CommandStatus> {
    return this.#child.status;
  }

  /** @returns the first line that fits, of those there (index `from` and later) and those to come. */
  waitForLog(
    predicate: (line: LogLine) => boolean,
    deadlineMs: number,
    from = 0,
  ): Promise<LogLine> {
    return this.#child.reports.waitFor(predicate, deadlineMs, from);
  }

  /** Waits until it holds the Lease, or knows of another one that does. */
  async joined(deadlineMs: number): Promise<void> {
    await this.waitForLog(
      ({ message }) => message === "another holder is seen" || message === "holds the Lease",
      deadlineMs,
    );
  }

  /** SIGTERM: it withdraws its VIPs and ends. */
  terminate(): Promise<Deno.CommandStatus> {
    this.#child.signal("SIGTERM");
    return this.status;
  }

  /** SIGKILL: a crash. */
  kill(): Promise<Deno.CommandStatus> {
    this.#child.signal("SIGKILL");
    return this.status;
  }

  /** SIGSTOP: it hangs. */
  stop(): void {
    this.#child.signal("SIGSTOP");
  }

  /** SIGCONT: it goes on where it was. */
  cont(): void {
    this.#child.signal("SIGCONT");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#child[Symbol.asyncDispose]();
  }
}
