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

async function* silence(signal: AbortSignal | undefined): AsyncGenerator<never> {
  if (signal?.aborted) return;
  await new Promise((resolve) => signal?.addEventListener("abort", resolve, { once: true }));
}
