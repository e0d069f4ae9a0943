import assert from "node:assert/strict";

/** A server that the cases are run against. */
export interface Target {
  /** Without a slash at the end. */
  url: string;
  /** Credentials of someone who may do everything. */
  headers: Record<string, string>;
  client?: Deno.HttpClient;
  /** Makes the server forget the past, so that older versions are answered with 410. */
  forget(): Promise<void>;
  /** The server checks tokens and rights. */
  enforcesRights: boolean;
}

/** One promise of the API, and how to see that it is kept. */
export interface Case {
  name: string;
  run(session: Session): Promise<void>;
}

// deno-lint-ignore no-explicit-any -- what comes back is looked at member by member
export type Body = any;

interface Answer {
  status: number;
  headers: Headers;
  body: Body;
}

export interface WatchLine {
  type: string;
  object: Body;
}

const DEADLINE_MS = 10_000;
const MERGE = "application/merge-patch+json";

/** Requests to a target, in a namespace that is one case's own. */
export class Session {
  readonly services: string;
  readonly leases: string;
  readonly slices: string;
  readonly events: string;

  constructor(readonly target: Target, readonly namespace: string) {
    this.services = `/api/v1/namespaces/${namespace}/services`;
    this.events = `/api/v1/namespaces/${namespace}/events`;
    this.leases = `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases`;
    this.slices = `/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices`;
  }

  async send(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answer> {
    const response = await this.#fetch(path, {
      method,
      signal: AbortSignal.timeout(DEADLINE_MS),
      headers: {
        "content-type": method === "PATCH" ? MERGE : "application/json",
        ...this.target.headers,
        ...headers,
      },
      ...body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) },
    });
    const text = await response.text();
    const json = response.headers.get("content-type")?.startsWith("application/json");
    return {
      status: response.status,
      headers: response.headers,
      body: json ? JSON.parse(text) : text,
    };
  }

  get = (path: string) => this.send("GET", path);
  post = (path: string, body: unknown) => this.send("POST", path, body);
  put = (path: string, body: unknown) => this.send("PUT", path, body);
  patch = (path: string, body: unknown) => this.send("PATCH", path, body);
  delete = (path: string, body?: unknown) => this.send("DELETE", path, body);

  /** Opens a watch; its lines are read one by one. */
  async watch(path: string, query: Record<string, string>): Promise<Lines> {
    const search = new URLSearchParams({ watch: "true", timeoutSeconds: "30", ...query });
    const abort = new AbortController();
    const response = await this.#fetch(`${path}?${search}`, {
      headers: this.target.headers,
      signal: abort.signal,
    });
    assert.equal(response.status, 200);
    return new Lines(response.body!, abort);
  }

  async #fetch(path: string, init: RequestInit): Promise<Response> {
    const { url, client } = this.target;
    return await fetch(url + path, client ? { ...init, client } : init);
  }
}

/** The lines of a watch. */
class Lines implements AsyncDisposable {
  readonly #reader: ReadableStreamDefaultReader<string>;
  readonly #abort: AbortController;
  #text = "";

  constructor(body: ReadableStream<Uint8Array<ArrayBuffer>>, abort: AbortController) {
    this.#reader = body.pipeThrough(new TextDecoderStream()).getReader();
    this.#abort = abort;
  }

  /** The next line; `undefined` at the end of the stream. */
  async next(): Promise<WatchLine | undefined> {
    let end: number;
    while ((end = this.#text.indexOf("\n")) < 0) {
      // A line that never comes is to fail its case, not to hang it.
      const timer = setTimeout(() => this.#abort.abort(new Error("No line came")), DEADLINE_MS);
      const { done, value } = await this.#reader.read().finally(() => clearTimeout(timer));
      if (done) return undefined;
      this.#text += value;
    }
    const line = JSON.parse(this.#text.slice(0, end));
    this.#text = this.#text.slice(end + 1);
    return line;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#abort.abort();
    await this.#reader.cancel().catch(() => {});
  }
}

export const service = (name: string, spec: object = {}, metadata: object = {}) => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { name, ...metadata },
  spec: { ports: [{ port: 80 }], ...spec },
});

export const balancer = (name: string, loadBalancerClass = "internal-vip", metadata: object = {}) =>
  service(name, { type: "LoadBalancer", loadBalancerClass }, metadata);

export const lease = (name: string, spec: object = {}, metadata: object = {}) => ({
  apiVersion: "coordination.k8s.io/v1",
  kind: "Lease",
  metadata: { name, ...metadata },
  spec,
});

export const slice = (name: string, fields: object = {}) => ({
  apiVersion: "discovery.k8s.io/v1",
  kind: "EndpointSlice",
  metadata: { name },
  endpoints: [],
  ...fields,
});

/** Checks a Status object; `details` may be less than what came. */
export function refused(
  { status, body }: Answer,
  code: number,
  reason: string | undefined,
  message: string,
  details?: Record<string, unknown>,
): void {
  assert.deepEqual(
    [status, body.kind, body.status, body.code, body.reason, body.message],
    [code, "Status", "Failure", code, reason, message],
  );
  for (const [name, value] of Object.entries(details ?? {})) {
    assert.deepEqual(body.details[name], value, `details.${name}`);
  }
}

export function accepted({ status, body }: Answer, code = 200): Body {
  assert.equal(status, code, JSON.stringify(body));
  return body;
}
