import type { Task } from "./task.ts";

/** Frames of handovers as they come in, of all interfaces. */
export interface HandoverSource extends Disposable {
  /** @returns undefined when none came within the time, or the source was disposed */
  receive(
    timeoutMs: number,
  ): Promise<{ readonly frame: Uint8Array; readonly linkIndex: number } | undefined>;
}

type Listener = (frame: Uint8Array, linkIndex: number) => void;

const ROUND_MS = 60_000;

/** Listens for calls and offers of handovers, for all instances. */
export class HandoverLine implements Task {
  readonly name = "handover line";
  readonly #open: () => HandoverSource;
  readonly #listeners = new Set<Listener>();

  constructor(open: () => HandoverSource) {
    this.#open = open;
  }

  /** @returns a function that ends it */
  subscribe(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async run(signal: AbortSignal): Promise<void> {
    using source = this.#open();
    const close = () => source[Symbol.dispose]();
    signal.addEventListener("abort", close, { once: true });
    while (!signal.aborted) {
      const received = await source.receive(ROUND_MS);
      if (received === undefined || signal.aborted) continue;
      for (const listener of this.#listeners) listener(received.frame, received.linkIndex);
    }
  }
}
