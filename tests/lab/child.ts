import { Feed } from "./feed.ts";

/** How much of the end of a process' output an error message shows. */
const SHOWN_CHARACTERS = 2000;

/** A process of the lab that reports on its output, one JSON object a line. */
export class Child<T> implements AsyncDisposable {
  /** What it reported so far; other lines are kept in `text` only. */
  readonly reports = new Feed<T>();
  /** Resolves when it has ended and all it wrote is read. */
  readonly status: Promise<Deno.CommandStatus>;
  readonly #process: Deno.ChildProcess;
  #text = "";
  #ended = false;

  /**
   * @param command ends with this process, also when this one is killed: PR_SET_PDEATHSIG(2const)
   * stays over execve(2).
   */
  constructor(command: readonly string[], env: Record<string, string> = {}) {
    this.#process = new Deno.Command("setpriv", {
      args: ["--pdeathsig", "KILL", "--", ...command],
      env: { ...inheritedEnv(), ...env },
      clearEnv: true,
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.status = this.#settle();
  }

  /** Of the command itself: `setpriv` and `nsenter` replace themselves by it. */
  get pid(): number {
    return this.#process.pid;
  }

  /** All that it wrote, both streams. */
  get text(): string {
    return this.#text;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** No error when it has ended already. */
  signal(name: Deno.Signal): void {
    if (this.#ended) return;
    try {
      this.#process.kill(name);
    } catch (error) {
      // It has ended, and `status` has not said so yet.
      if (!(error instanceof TypeError || error instanceof Deno.errors.NotFound)) throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.signal("SIGKILL");
    await this.status;
  }

  async #settle(): Promise<Deno.CommandStatus> {
    const [status] = await Promise.all([
      this.#process.status,
      this.#read(this.#process.stdout),
      this.#read(this.#process.stderr),
    ]);
    this.#ended = true;
    this.reports.end(`The process ended:\n${this.#text.slice(-SHOWN_CHARACTERS)}`);
    return status;
  }

  async #read(stream: ReadableStream<BufferSource>): Promise<void> {
    let rest = "";
    for await (const chunk of stream.pipeThrough(new TextDecoderStream())) {
      this.#text += chunk;
      const lines = (rest + chunk).split("\n");
      rest = lines.pop()!;
      for (const line of lines) this.#report(line);
    }
  }

  #report(line: string): void {
    if (!line.startsWith("{")) return;
    let report: T;
    try {
      report = JSON.parse(line);
    } catch {
      return;
    }
    this.reports.push(report);
  }
}

/** Without settings of classvip: those of the lab's processes are given, not inherited. */
function inheritedEnv(): Record<string, string> {
  return Object.fromEntries(
    Object.entries(Deno.env.toObject()).filter(([name]) => !name.startsWith("CLASSVIP_")),
  );
}
