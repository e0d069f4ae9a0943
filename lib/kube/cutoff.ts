/** Why a request was cut off; the `reason` of the KubeError that follows. */
export type CutoffReason = "Timeout" | "Silent" | "Aborted";

/**
 * One signal for everything that may end a request early: the caller, the client's disposal, and
 * one timer that is set again for each phase. Unlike AbortSignal.any() it leaves nothing behind
 * on its parents, which live as long as the process.
 */
export class Cutoff implements Disposable {
  readonly #controller = new AbortController();
  readonly #parents: AbortSignal[];
  #timer: ReturnType<typeof setTimeout> | undefined;
  #reason: CutoffReason | undefined;

  constructor(...parents: (AbortSignal | undefined)[]) {
    this.#parents = parents.filter((parent) => parent !== undefined);
    for (const parent of this.#parents) {
      if (parent.aborted) this.#abort();
      else parent.addEventListener("abort", this.#abort);
    }
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Undefined as long as nothing was cut off. */
  get reason(): CutoffReason | undefined {
    return this.#reason;
  }

  /** Cuts off after `ms` unless set again or disarmed. */
  arm(ms: number, reason: CutoffReason): void {
    this.disarm();
    if (this.#reason === undefined) this.#timer = setTimeout(() => this.#cut(reason), ms);
  }

  disarm(): void {
    clearTimeout(this.#timer);
  }

  /** Settles as the promise does, or rejects when cut off first. */
  race<T>(promise: Promise<T>): Promise<T> {
    const { signal } = this;
    return new Promise((resolve, reject) => {
      const cut = () => reject(signal.reason);
      if (signal.aborted) cut();
      else signal.addEventListener("abort", cut, { once: true });
      promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", cut));
    });
  }

  /** Ends whatever still goes on under the signal. */
  [Symbol.dispose](): void {
    this.disarm();
    for (const parent of this.#parents) parent.removeEventListener("abort", this.#abort);
    this.#controller.abort();
  }

  readonly #abort = (): void => this.#cut("Aborted");

  #cut(reason: CutoffReason): void {
    this.#reason ??= reason;
    this.disarm();
    this.#controller.abort();
  }
}
