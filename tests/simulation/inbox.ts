import type { HandoverSource } from "../../lib/agent/handover_line.ts";
import type { FrameSource } from "../../lib/agent/claim_watch.ts";

/** The frames that a process has to read. */
export class Inbox implements FrameSource {
  readonly #frames: Uint8Array[] = [];
  #reader: ((received: { frame: Uint8Array } | undefined) => void) | undefined;
  #disposed = false;

  push(frame: Uint8Array): void {
    if (this.#reader === undefined) this.#frames.push(frame);
    else this.#answer({ frame });
  }

  /** Never times out: what reads it only wants to look round then. */
  receive(): Promise<{ frame: Uint8Array } | undefined> {
    const frame = this.#frames.shift();
    if (frame !== undefined) return Promise.resolve({ frame });
    if (this.#disposed) return Promise.resolve(undefined);
    return new Promise((resolve) => this.#reader = resolve);
  }

  take(): { frame: Uint8Array } | undefined {
    const frame = this.#frames.shift();
    return frame && { frame };
  }

  /** As one that tells the interface too. */
  of(linkIndex: number): HandoverSource {
    return {
      receive: async () => {
        const received = await this.receive();
        return received && { ...received, linkIndex };
      },
      [Symbol.dispose]: () => this[Symbol.dispose](),
    };
  }

  [Symbol.dispose](): void {
    this.#disposed = true;
    this.#answer(undefined);
  }

  #answer(received: { frame: Uint8Array } | undefined): void {
    const reader = this.#reader;
    this.#reader = undefined;
    reader?.(received);
  }
}
