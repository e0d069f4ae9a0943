import type { Child } from "./child.ts";
import { nowMs } from "./clock.ts";
import { Feed } from "./feed.ts";
import { startHelper } from "./helper.ts";
import { Holdings } from "./holdings.ts";
import type { AddressReport, Holding } from "./holdings.ts";
import type { LabHost } from "./host.ts";

/** From one dump of a host's addresses to the next. */
const PAUSE_MS = 5;

/** Watches the addresses of hosts, and proves that none is ever on two interfaces. */
export class AddressWatch implements AsyncDisposable {
  readonly holdings = new Holdings();
  readonly #reports = new Feed<AddressReport>();
  readonly #children: readonly Child<AddressReport>[];

  private constructor(children: readonly Child<AddressReport>[]) {
    this.#children = children;
    for (const child of children) {
      child.reports.forEach((report) => {
        this.holdings.add(report);
        this.#reports.push(report);
      });
    }
  }

  static async start(hosts: readonly LabHost[]): Promise<AddressWatch> {
    return new AddressWatch(
      await Promise.all(
        hosts.map((host) =>
          startHelper<AddressReport>(host, "watch_main.ts", [host.name, PAUSE_MS])
        ),
      ),
    );
  }

  /** @returns as soon as the host (or any) has the address. */
  async waitForHolder(ip: string, deadlineMs: number, host?: string): Promise<Holding> {
    const holder = () =>
      this.holdings.holders(ip).find((holding) => host === undefined || holding.host === host);
    // Several reports may be read in one go: by the end of them it may have gone again.
    let seen: Holding | undefined;
    await this.#reports.waitFor(() => (seen ??= holder()) !== undefined, deadlineMs);
    return seen!;
  }

  /** Resolves as soon as nobody has the address. */
  async waitForNobody(ip: string, deadlineMs: number): Promise<void> {
    await this.#reports.waitFor(() => this.holdings.holders(ip).length === 0, deadlineMs);
  }

  /** Resolves when all is seen that was so when it was called. */
  async caughtUp(deadlineMs: number): Promise<void> {
    const calledMs = nowMs();
    await Promise.all(
      this.#children.map(({ reports }) =>
        reports.waitFor(({ beforeMs }) => beforeMs > calledMs, deadlineMs, reports.items.length)
      ),
    );
  }

  /** @throws {Error} that names every address that was on two interfaces at a time, since then. */
  assertNoDoubles(sinceMs = 0): void {
    const recent = this.holdings.doubles().filter(({ toMs }) => toMs > sinceMs);
    const doubles = recent.map(({ ip, holders: [a, b], fromMs, toMs }) =>
      `${ip} was on ${a.host} ${a.interface} and on ${b.host} ${b.interface} ` +
      `for ${(toMs - fromMs).toFixed(1)} ms`
    );
    if (doubles.length > 0) throw new Error(doubles.join("\n"));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#children.map((child) => child[Symbol.asyncDispose]()));
  }
}
