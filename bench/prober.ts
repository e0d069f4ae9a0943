import type { Child } from "../tests/lab/child.ts";
import { startHelper } from "../tests/lab/helper.ts";
import type { LabHost } from "../tests/lab/host.ts";

const PROGRAM = new URL("prober_main.ts", import.meta.url).href;
/** How exactly the end of the old holder's answers is known. */
const INTERVAL_MS = 1;

/** Asks by ARP for a VIP while it is awake; the sniffer hears the answers. */
export class Prober implements AsyncDisposable {
  readonly #child: Child<unknown>;

  private constructor(child: Child<unknown>) {
    this.#child = child;
  }

  /** @returns one that sleeps. */
  static async start(client: LabHost, vip: string): Promise<Prober> {
    const prober = new Prober(
      await startHelper(client, PROGRAM, [client.interface, client.ip, vip, INTERVAL_MS]),
    );
    prober.sleep();
    return prober;
  }

  wake(): void {
    this.#child.signal("SIGCONT");
  }

  sleep(): void {
    this.#child.signal("SIGSTOP");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#child[Symbol.asyncDispose]();
  }
}
