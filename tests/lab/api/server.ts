import { makeServerCertificate, type ServerCertificate } from "./certificate.ts";
import { type Fault, Faults } from "./faults.ts";
import { type HttpRequest, HttpServer, type Reply } from "./http.ts";
import { list } from "./list.ts";
import type { ApiObject } from "./resources.ts";
import { parseRoute, rbacName, rbacObjectName, refusal, type Route } from "./route.ts";
import { badRequest, StatusError } from "./status.ts";
import { otherName, type Preconditions, Store } from "./store.ts";
import { Watch } from "./watch.ts";

/** How to start an API server. */
export interface ApiServerOptions {
  /** Default "127.0.0.1". */
  hostname?: string;
  /** Default: any free one. */
  port?: number;
  /** Serves https, with a certificate for `hostname` and localhost from an authority of its own. */
  tls?: boolean;
  /** What /version says. Default "v1.34.2". */
  version?: string;
  /** User names by bearer token. Where given, a token that is not here is answered with 401. */
  users?: Map<string, string>;
  /**
   * Whether a token (undefined: none was sent) may do this; else the answer is 403.
   * `resource` is RBAC's name, `services` or `services/status`; `namespace` and `name` are "" for
   * all.
   */
  authorize?: Authorize;
  /** Milliseconds between two bookmarks of a watch. Default 60,000. */
  bookmarkIntervalMs?: number;
}

export type Authorize = (
  token: string | undefined,
  verb: Route["verb"],
  resource: string,
  namespace: string,
  name: string,
) => boolean;

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

interface Answer {
  status: number;
  body: unknown;
  headers?: Record<string, string>;
}

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
  readonly #timers = new Set<Timer>();
  #http: HttpServer | undefined;
  #bookmarks: Timer | undefined;

  private constructor(options: ApiServerOptions, tls: ServerCertificate | undefined) {
    const hostname = options.hostname ?? "127.0.0.1";
    this.#options = options;
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
    else answer = await this.#answer(request, stale);
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
        await this.#answer(request);
        reply.close();
        return true;
      case "reset":
        reply.close();
        return true;
      case "applyLate":
        this.#later(fault.ms, request);
        break;
      case "applyThenSilence":
        await this.#answer(request);
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
      void this.#answer(request);
    }, ms);
    this.#timers.add(timer);
  }

  /** Applies a request. Never rejects for a refusal. */
  async #answer(request: HttpRequest, stale?: number): Promise<Answer | Watch> {
    try {
      const token = request.headers.get("authorization")?.match(/^Bearer (.+)$/)?.[1];
      const user = this.#authenticate(token);
      return plain(request, this.#options.version ?? "v1.34.2") ??
        await this.#serve(request, token, user, stale);
    } catch (error) {
      if (!(error instanceof StatusError)) throw error;
      const seconds = error.details?.retryAfterSeconds;
      return {
        status: error.code,
        body: error.status,
        headers: seconds ? { "Retry-After": String(seconds) } : {},
      };
    }
  }

  #authenticate(token: string | undefined): string {
    if (token === undefined) return "system:anonymous";
    const user = this.#options.users ? this.#options.users.get(token) : "admin";
    if (user === undefined) throw new StatusError(401, "Unauthorized", "Unauthorized");
    return user;
  }

  async #serve(
    request: HttpRequest,
    token: string | undefined,
    user: string,
    stale: number | undefined,
  ): Promise<Answer | Watch> {
    const { store } = this;
    const route = parseRoute(request, store.resources);
    const { verb, resource: { plural }, namespace, name, status } = route;
    const allowedName = rbacObjectName(route, request.query);
    const { authorize } = this.#options;
    if (authorize && !authorize(token, verb, rbacName(route), namespace, allowedName)) {
      throw refusal(user, route, allowedName);
    }
    switch (verb) {
      case "watch":
        return new Watch(store.history, route, request, stale);
      case "list":
        return { status: 200, body: await list(store.history, route, request.query, stale) };
      case "get": {
        if (stale === undefined) return { status: 200, body: store.get(plural, namespace, name) };
        const old = store.history.list(route.resource, stale).find(({ metadata }) =>
          metadata.name === name && (metadata.namespace ?? "") === namespace
        );
        return { status: 200, body: old ?? store.get(plural, namespace, name) };
      }
      case "create":
        return { status: 201, body: store.create(plural, readObject(request, route)) };
      case "update": {
        const object = readObject(request, route);
        if (object.metadata.name !== name) throw otherName(object.metadata.name, name);
        const exists = store.history.get(route.resource, namespace, name);
        if (exists || !route.resource.createOnUpdate) {
          return { status: 200, body: store.update(plural, object, { status }) };
        }
        delete object.metadata.resourceVersion;
        return { status: 201, body: store.create(plural, object) };
      }
      case "patch":
        return {
          status: 200,
          body: store.patch(plural, namespace, name, readPatch(request), { status }),
        };
      case "delete": {
        const options = request.body ? parseJson(request.body) : {};
        const { preconditions } = options as { preconditions?: Preconditions };
        return { status: 200, body: store.delete(plural, namespace, name, preconditions) };
      }
    }
  }
}

function injected({ status, retryAfterSeconds }: Fault & { kind: "answer" }): Answer {
  const reasons: Record<number, string> = {
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

/** The paths that are no resources. */
function plain({ path }: HttpRequest, version: string): Answer | undefined {
  if (path === "/livez" || path === "/readyz" || path === "/healthz") {
    return { status: 200, body: "ok" };
  }
  if (path === "/version") {
    const [major, minor] = version.slice(1).split(".");
    return { status: 200, body: { major, minor, gitVersion: version, platform: "linux/amd64" } };
  }
  return /^\/(api|apis\/[^/]+)\/v1\//.test(path)
    ? undefined
    : { status: 404, body: "404 page not found\n" };
}

function readObject({ body }: HttpRequest, { resource, namespace }: Route): ApiObject {
  const object = parseJson(body) as ApiObject;
  const { kind = resource.kind } = object;
  if (kind !== resource.kind) {
    throw badRequest(
      `${kind} in version "v1" cannot be handled as a ${resource.kind}: no kind "${kind}" is ` +
        `registered for version "v1" in scheme "pkg/runtime/scheme.go:110"`,
    );
  }
  object.metadata ??= {};
  if (object.metadata.namespace && object.metadata.namespace !== namespace) {
    throw badRequest(
      "the namespace of the provided object does not match the namespace sent on the request",
    );
  }
  if (namespace) object.metadata.namespace = namespace;
  return object;
}

function readPatch({ headers, body }: HttpRequest): unknown {
  if (headers.get("content-type")?.split(";")[0] !== "application/merge-patch+json") {
    throw new StatusError(415, "UnsupportedMediaType", "415: Unsupported Media Type", {});
  }
  return parseJson(body);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw badRequest(`couldn't get version/kind; json parse error: ${(error as Error).message}`);
  }
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
