import type { KubeClient, RequestOptions } from "../../lib/kube/types.ts";

/** Requests that are answered by a function, and watches that tell what is pushed into them. */
export class FakeKubeClient implements KubeClient {
  readonly requests: RequestOptions[] = [];
  answer: (options: RequestOptions) => unknown = () => ({});
  /** Starts a watch. @returns its lines, up to the abort of the signal */
  follow: (options: RequestOptions) => AsyncIterable<unknown> = ({ signal }) => silence(signal);
  disposed = false;

  // deno-lint-ignore require-await -- what the answer throws is a rejection
  async request<T>(options: RequestOptions): Promise<T> {
    this.requests.push(options);
    return this.answer(options) as T;
  }

  stream<T>(options: RequestOptions): AsyncIterable<T> {
    return this.follow(options) as AsyncIterable<T>;
  }

  [Symbol.dispose](): void {
    this.disposed = true;
  }
}

/** A watch in which nothing happens. */
function silence(signal: AbortSignal | undefined): AsyncIterable<never> {
  return new Lines<never>(signal);
}

/** Lines of a watch: those that are pushed, until the signal aborts. */
export class Lines<T> implements AsyncIterable<T> {
  readonly #signal: AbortSignal | undefined;
  readonly #waiting: T[] = [];
  #wake = () => {};

  constructor(signal: AbortSignal | undefined) {
    this.#signal = signal;
    signal?.addEventListener("abort", () => this.#wake(), { once: true });
  }

  push(line: T): void {
    this.#waiting.push(line);
    this.#wake();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T> {
    while (!this.#signal?.aborted) {
      const line = this.#waiting.shift();
      if (line !== undefined) yield line;
      else await new Promise<void>((resolve) => this.#wake = resolve);
    }
  }
}
