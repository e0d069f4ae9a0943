import type { Credentials } from "./credentials.ts";
import { Cutoff } from "./cutoff.ts";
import { KubeError } from "./errors.ts";
import { hurry } from "./hurry.ts";
import { LineDecoder } from "./lines.ts";
import { refusal } from "./refusal.ts";
import { Servers } from "./servers.ts";
import type { KubeClient, RequestOptions } from "./types.ts";
import { unreachable } from "./unreachable.ts";

const defaultDeadlineMs = 10_000;

/** Shorter than the idle times of usual load balancers, which forget connections silently. */
const poolIdleMs = 30_000;

/** Opens clients to one cluster: one each for Leases, watches and writes. */
export interface Clients {
  readonly credentials: Credentials;
  /** Which of its API servers they ask. */
  readonly servers: Servers;
  open(): KubeClient;
}

/** How clients ask. */
export interface ClientOptions {
  /** For example `classvip/1.2.3`. */
  readonly userAgent: string;
  /** Makes sockets send what they hold back. */
  readonly sendAtOnce?: () => void;
}

/** Asks the servers that the credentials name. */
export function connect(credentials: Credentials, options: ClientOptions): Clients {
  const servers = new Servers(credentials.server);
  return { credentials, servers, open: () => new HttpKubeClient(credentials, options, servers) };
}

/** Requests through Deno's fetch over connections that no other client shares. */
export class HttpKubeClient implements KubeClient {
  readonly #credentials: Credentials;
  readonly #options: ClientOptions;
  readonly #servers: Servers;
  readonly #lifetime = new AbortController();
  #http: { client: Deno.HttpClient; identity: string } | undefined;

  constructor(
    credentials: Credentials,
    options: ClientOptions,
    servers = new Servers(credentials.server),
  ) {
    this.#credentials = credentials;
    this.#servers = servers;
    this.#options = options;
  }

  async request<T>(options: RequestOptions): Promise<T> {
    using cutoff = new Cutoff(options.signal, this.#lifetime.signal);
    const server = this.#servers.current;
    try {
      const response = await this.#send(options, cutoff, server);
      return parse(options, await cutoff.race(response.text())) as T;
    } catch (error) {
      throw this.#failed(options, cutoff, server, error);
    }
  }

  async *stream<T>(options: RequestOptions & { silenceMs: number }): AsyncGenerator<T> {
    // Its disposal ends the connection when the consumer leaves.
    using cutoff = new Cutoff(options.signal, this.#lifetime.signal);
    const server = this.#servers.current;
    try {
      const response = await this.#send(options, cutoff, server);
      cutoff.disarm();
      if (response.body === null) return;
      const reader = response.body.getReader();
      // Deno 2.6 forgets the signal of fetch() when it collects garbage: the body has to be ended here.
      const cancel = () => void reader.cancel().catch(() => {});
      cutoff.signal.addEventListener("abort", cancel, { once: true });
      // Another node's server, which may be cut off from etcd and say nothing, is left for the own one.
      using _ = {
        [Symbol.dispose]: this.#servers.onReturn(() => {
          if (this.#servers.current !== server) cancel();
        }),
      };
      const decoder = new LineDecoder();
      let lines: string[] = ["head"]; // the wait for the first line begins with the head
      for (;;) {
        // Counts between lines, not chunks: a peer that trickles is as good as silent.
        if (lines.length > 0) cutoff.arm(options.silenceMs, "Silent");
        const { done, value } = await reader.read();
        cutoff.signal.throwIfAborted();
        // A line without its newline is cut; resuming brings it again.
        if (done) return;
        lines = push(decoder, options, value);
        // The consumer's time is not the peer's silence.
        if (lines.length > 0) cutoff.disarm();
        for (const line of lines) yield parse(options, line) as T;
      }
    } catch (error) {
      throw this.#failed(options, cutoff, server, error);
    }
  }

  /** Ends all requests under way with reason "Aborted". */
  [Symbol.dispose](): void {
    this.#lifetime.abort();
    this.#replace();
  }

  /** Sends, once more with fresh credentials after a 401; throws for any refusal. */
  async #send(options: RequestOptions, cutoff: Cutoff, server: string): Promise<Response> {
    cutoff.arm(options.deadlineMs ?? defaultDeadlineMs, "Timeout");
    let response = await this.#fetch(options, cutoff, server, false);
    if (response.status === 401) {
      await response.body?.cancel();
      // The server may judge by the connection (client certificate): take a new one.
      this.#replace();
      response = await this.#fetch(options, cutoff, server, true);
    }
    if (response.ok) return response;
    const { status, statusText } = response;
    const retryAfter = response.headers.get("retry-after");
    const text = await cutoff.race(response.text());
    throw refusal(this.#credentials, options, { status, statusText, retryAfter }, text);
  }

  async #fetch(
    options: RequestOptions,
    cutoff: Cutoff,
    server: string,
    force: boolean,
  ): Promise<Response> {
    const authorization = await this.#authorization(cutoff, force);
    const url = new URL(server + options.path);
    for (const [name, value] of Object.entries(options.query ?? {})) {
      if (value !== undefined) url.searchParams.set(name, value);
    }
    const { userAgent, sendAtOnce } = this.#options;
    const headers = new Headers({ accept: "application/json", "user-agent": userAgent });
    if (authorization !== undefined) headers.set("authorization", authorization);
    const init: RequestInit & { client: Deno.HttpClient } = {
      method: options.method,
      headers,
      signal: cutoff.signal,
      // Credentials go to the configured server and nowhere else.
      redirect: "manual",
      client: this.#client(),
    };
    if (options.body !== undefined) {
      const kind = options.method === "PATCH" ? "merge-patch+json" : "json";
      headers.set("content-type", `application/${kind}`);
      init.body = JSON.stringify(options.body);
    }
    using _ = sendAtOnce && hurry(sendAtOnce);
    return await cutoff.race(fetch(url, init));
  }

  async #authorization(cutoff: Cutoff, force: boolean): Promise<string | undefined> {
    try {
      return await cutoff.race(this.#credentials.authorization(force));
    } catch (error) {
      if (cutoff.reason !== undefined) throw error;
      const why = error instanceof Error ? error.message : String(error);
      throw new KubeError(`No credentials from ${this.#credentials.origin}: ${why}`, {
        status: 0,
        reason: "NoCredentials",
        cause: error,
      });
    }
  }

  /** The HTTP client; a new one when the certificates changed. */
  #client(): Deno.HttpClient {
    const { caCerts, cert, key, proxyUrl } = this.#credentials;
    const identity = [...caCerts, cert, key].join("\n");
    if (this.#http?.identity !== identity) this.#replace();
    this.#http ??= {
      identity,
      client: Deno.createHttpClient({
        caCerts: [...caCerts],
        ...(cert !== undefined && key !== undefined ? { cert, key } : {}),
        ...(proxyUrl !== undefined ? { proxy: { url: proxyUrl } } : {}),
        // One dead HTTP/2 connection would hold up everything on it.
        http2: false,
        poolIdleTimeout: poolIdleMs,
      }),
    };
    return this.#http.client;
  }

  /**
   * Gives up the pool of connections. Requests under way keep theirs until they end (measured on
   * Deno 2.6 and 2.9: close() ends only what is idle), so that nothing else is harmed.
   */
  #replace(): void {
    this.#http?.client.close();
    this.#http = undefined;
  }

  #failed(options: RequestOptions, cutoff: Cutoff, server: string, error: unknown): KubeError {
    const what = `${options.method} ${options.path}`;
    const { reason } = cutoff;
    if (reason === "Aborted") {
      return new KubeError(`${what} was aborted`, { status: 0, reason, cause: error });
    }
    // Where it has no answer, or none of its own, another server may have one.
    if (!(error instanceof KubeError) || error.status >= 500) this.#servers.failed(server);
    if (reason !== undefined) {
      // Whatever made this connection silent may have taken the idle ones with it.
      this.#replace();
      const message = `API server ${server} did not answer ${what} in time`;
      return new KubeError(message, { status: 0, reason });
    }
    return error instanceof KubeError ? error : unreachable(server, error);
  }
}

function push(decoder: LineDecoder, { path }: RequestOptions, chunk: Uint8Array): string[] {
  try {
    return decoder.push(chunk);
  } catch (cause) {
    throw new KubeError(`Watch of ${path} was answered with something that is no event`, {
      status: 0,
      reason: "Unreadable",
      cause,
    });
  }
}

function parse({ method, path }: RequestOptions, text: string): unknown {
  try {
    return text === "" ? undefined : JSON.parse(text);
  } catch (cause) {
    throw new KubeError(`${method} ${path} was answered with something that is not JSON`, {
      status: 0,
      reason: "Unreadable",
      cause,
    });
  }
}
