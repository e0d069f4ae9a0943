import { makeServerCertificate, type ServerCertificate } from "./certificate.ts";
import { type Fault, Faults } from "./faults.ts";
import { type HttpRequest, HttpServer, type Reply } from "./http.ts";
import { type Access, type Answer, Responder } from "./responder.ts";
import { StatusError } from "./status.ts";
import { Store } from "./store.ts";
import { Watch } from "./watch.ts";

/** How to start an API server. */
export interface ApiServerOptions extends Access {
  /** Default "127.0.0.1". */
  hostname?: string;
  /** Default: any free one. */
  port?: number;
  /** Serves https, with a certificate for `hostname` and localhost from an authority of its own. */
  tls?: boolean;
  /** What /version says. Default "v1.34.2". */
  version?: string;
  /** Milliseconds between two bookmarks of a watch. Default 60,000. */
  bookmarkIntervalMs?: number;
}

/** One request that arrived. */
export interface LoggedRequest {
  method: string;
  path: string;
  query: Record<string, string>;
  /** Of the answer; 0 while there is none. */
  status: number;
  /** Milliseconds since the epoch. */
  at: number;
}

type Timer = ReturnType<typeof setTimeout>;

/**
 * An API server in this process that behaves towards its clients as kube-apiserver 1.34 does, as
 * far as Services, Events, Nodes, Namespaces, Leases and EndpointSlices go, and that fails on
 * demand. It keeps everything in memory.
 */
export class ApiServer implements AsyncDisposable {
  readonly store = new Store();
  readonly faults = new Faults();
  readonly requests: LoggedRequest[] = [];
  readonly url: string;
  /** PEM of the authority, where TLS is on. */
  readonly caCert: string | undefined;
  readonly #options: ApiServerOptions;
  readonly #tls: ServerCertificate | undefined;
  readonly #address: { hostname: string; port: number };
  readonly #watches = new Set<Watch>();
  readonly #responder: Responder;
  readonly #timers = new Set<Timer>();
  #http: HttpServer | undefined;
  #bookmarks: Timer | undefined;

  private constructor(options: ApiServerOptions, tls: ServerCertificate | undefined) {
    const hostname = options.hostname ?? "127.0.0.1";
    this.#options = options;
    this.#responder = new Responder(this.store, options.version ?? "v1.34.2", options);
    this.#tls = tls;
    this.caCert = tls?.caCert;
    this.#address = { hostname, port: options.port ?? 0 };
    this.resume();
    this.#address.port = this.#http!.port;
    const host = hostname.includes(":") ? `[${hostname}]` : hostname;
    this.url = `${tls ? "https" : "http"}://${host}:${this.#address.port}`;
  }

  static async start(options: ApiServerOptions = {}): Promise<ApiServer> {
    const names = ["localhost", "127.0.0.1", options.hostname ?? "127.0.0.1"];
    const tls = options.tls ? await makeServerCertificate([...new Set(names)]) : undefined;
    return new ApiServer(options, tls);
  }

  /** Closes port and connections; the store stays. */
  async stop(): Promise<void> {
    clearInterval(this.#bookmarks);
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
    await this.#http?.close();
    this.#http = undefined;
  }

  /** Listens again on the same port after `stop()`. */
  resume(): void {
    this.#http = new HttpServer(
      { ...this.#address, tls: this.#tls },
      (request, reply) => this.#handle(request, reply),
    );
    const { bookmarkIntervalMs = 60_000 } = this.#options;
    this.#bookmarks = setInterval(() => this.bookmark(), bookmarkIntervalMs);
  }

  /** Closes everything, and listens again on the same port. */
  async restart(): Promise<void> {
    await this.stop();
    this.resume();
  }

  /** Closes every connection, watches in the middle of their stream too. */
  closeConnections(): void {
    this.#http?.closeConnections();
  }

  /** Sends a bookmark on every watch that allows it. */
  bookmark(): void {
    for (const watch of this.#watches) watch.bookmark();
  }

  /** Number of open watches. */
  get watches(): number {
    return this.#watches.size;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #handle(request: HttpRequest, reply: Reply): Promise<void> {
    const { method, path, query, closed } = request;
    const logged: LoggedRequest = {
      method,
      path,
      query: Object.fromEntries(query),
      status: 0,
      at: Date.now(),
    };
    this.requests.push(logged);
    const fault = this.faults.forRequest(method, query.size > 0 ? `${path}?${query}` : path);
    if (fault && await this.#isUnanswered(fault, request, reply)) return;
    if (closed.aborted) return;
    const stale = fault?.kind === "stale" ? fault.resourceVersion : undefined;
    let answer: Answer | Watch;
    if (fault?.kind === "answer") answer = injected(fault);
    else answer = await this.#responder.answer(request, stale);
    if (fault?.kind === "applyTwice") this.#later(fault.ms, request);
    if (answer instanceof Watch) {
      logged.status = 200;
      this.#watches.add(answer);
      try {
        await answer.run(reply, this.faults);
      } finally {
        this.#watches.delete(answer);
      }
      return;
    }
    logged.status = answer.status;
    const text = typeof answer.body === "string";
    const headers = {
      "Cache-Control": "no-cache, private",
      "Content-Type": text ? "text/plain; charset=utf-8" : "application/json",
      ...answer.headers,
    };
    const body = text ? answer.body as string : JSON.stringify(answer.body) + "\n";
    await reply.send(answer.status, headers, body);
  }

  /** Carries out the faults that end without an answer, and the delay before one. */
  async #isUnanswered(fault: Fault, request: HttpRequest, reply: Reply): Promise<boolean> {
    const { closed } = request;
    switch (fault.kind) {
      case "delay":
        await sleep(fault.ms, closed);
        return false;
      case "applyThenReset":
        await this.#responder.answer(request);
        reply.close();
        return true;
      case "reset":
        reply.close();
        return true;
      case "applyLate":
        this.#later(fault.ms, request);
        break;
      case "applyThenSilence":
        await this.#responder.answer(request);
        break;
      case "silence":
        break;
      default:
        return false;
    }
    await sleep(Infinity, closed);
    return true;
  }

  #later(ms: number, request: HttpRequest): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      void this.#responder.answer(request);
    }, ms);
    this.#timers.add(timer);
  }
}

function injected({ status, retryAfterSeconds }: Fault & { kind: "answer" }): Answer {
  const reasons: Record<number, string> = {
    401: "Unauthorized",
    403: "Forbidden",
    409: "Conflict",
    429: "TooManyRequests",
    500: "InternalError",
    503: "ServiceUnavailable",
  };
  const details = retryAfterSeconds === undefined ? {} : { retryAfterSeconds };
  const error = new StatusError(status, reasons[status], "fault on demand", details);
  const headers: Record<string, string> = {};
  if (retryAfterSeconds !== undefined) headers["Retry-After"] = String(retryAfterSeconds);
  return { status, body: error.status, headers };
}

/** Waits, but no longer than the connection is open. */
async function sleep(ms: number, closed: AbortSignal): Promise<void> {
  if (closed.aborted) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  closed.addEventListener("abort", () => resolve(), { once: true });
  const timer = ms === Infinity ? undefined : setTimeout(resolve, ms);
  await promise;
  clearTimeout(timer);
}
