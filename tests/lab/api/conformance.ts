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
type Body = any;

interface Answer {
  status: number;
  headers: Headers;
  body: Body;
}

interface WatchLine {
  type: string;
  object: Body;
}

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
      const { done, value } = await this.#reader.read();
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

const service = (name: string, spec: object = {}, metadata: object = {}) => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { name, ...metadata },
  spec: { ports: [{ port: 80 }], ...spec },
});

const balancer = (name: string, loadBalancerClass = "internal-vip", metadata: object = {}) =>
  service(name, { type: "LoadBalancer", loadBalancerClass }, metadata);

const lease = (name: string, spec: object = {}, metadata: object = {}) => ({
  apiVersion: "coordination.k8s.io/v1",
  kind: "Lease",
  metadata: { name, ...metadata },
  spec,
});

const slice = (name: string, fields: object = {}) => ({
  apiVersion: "discovery.k8s.io/v1",
  kind: "EndpointSlice",
  metadata: { name },
  endpoints: [],
  ...fields,
});

/** Checks a Status object; `details` may be less than what came. */
function refused(
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

function accepted({ status, body }: Answer, code = 200): Body {
  assert.equal(status, code, JSON.stringify(body));
  return body;
}

const CHANGED =
  "the object has been modified; please apply your changes to the latest version and try again";

/** All cases; each runs in a new namespace. */
export const cases: Case[] = [
  {
    name: "the server names its version and says that it is ready",
    async run(api) {
      const version = accepted(await api.get("/version"));
      assert.match(version.gitVersion, /^v1\.\d+\.\d+/);
      assert.equal(version.major, "1");
      assert.deepEqual((await api.get("/livez")).body, "ok");
      assert.deepEqual((await api.get("/readyz")).body, "ok");
    },
  },
  {
    name: "paths that do not exist are answered with 404",
    async run(api) {
      const message = "the server could not find the requested resource";
      refused(await api.get("/api/v1/nonsense"), 404, "NotFound", message);
      refused(await api.get(`${api.leases}/x/status`), 404, "NotFound", message);
      assert.deepEqual(await api.get("/nonsense").then(({ status, body }) => [status, body]), [
        404,
        "404 page not found\n",
      ]);
    },
  },
  {
    name: "methods that do not exist are answered with 405",
    async run(api) {
      const message = "the server does not allow this method on the requested resource";
      const named = await api.post(`${api.services}/x`, service("x"));
      refused(named, 405, "MethodNotAllowed", message);
      refused(await api.delete(`${api.services}/x/status`), 405, "MethodNotAllowed", message);
      refused(await api.post("/api/v1/services", service("x")), 405, "MethodNotAllowed", message);
    },
  },
  {
    name: "POST gives a Service its identity and its defaults",
    async run(api) {
      const created = accepted(await api.post(api.services, balancer("a")), 201);
      const { metadata, spec } = created;
      assert.equal(metadata.namespace, api.namespace);
      assert.match(metadata.uid, /^[0-9a-f-]{36}$/);
      assert.match(metadata.resourceVersion, /^\d+$/);
      assert.match(metadata.creationTimestamp, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
      assert.equal(metadata.generation, undefined);
      assert.equal(spec.type, "LoadBalancer");
      assert.equal(spec.loadBalancerClass, "internal-vip");
      assert.equal(spec.allocateLoadBalancerNodePorts, true);
      assert.equal(spec.externalTrafficPolicy, "Cluster");
      assert.equal(spec.internalTrafficPolicy, "Cluster");
      assert.equal(spec.sessionAffinity, "None");
      assert.deepEqual(spec.clusterIPs, [spec.clusterIP]);
      assert.deepEqual(spec.ipFamilies, ["IPv4"]);
      assert.equal(spec.ipFamilyPolicy, "SingleStack");
      const [{ nodePort, ...port }] = spec.ports;
      assert.deepEqual(port, { protocol: "TCP", port: 80, targetPort: 80 });
      assert.ok(nodePort >= 30_000);
      assert.deepEqual(created.status, { loadBalancer: {} });
      assert.deepEqual(accepted(await api.get(`${api.services}/a`)), created);
      const plain = accepted(await api.post(api.services, service("b")), 201).spec;
      assert.equal(plain.type, "ClusterIP");
      assert.equal(plain.externalTrafficPolicy, undefined);
      assert.equal(plain.ports[0].nodePort, undefined);
    },
  },
  {
    name: "POST refuses what is there, and what has no namespace",
    async run(api) {
      accepted(await api.post(api.services, service("a")), 201);
      accepted(await api.post(api.leases, lease("a")), 201);
      refused(
        await api.post(api.services, service("a")),
        409,
        "AlreadyExists",
        'services "a" already exists',
        { name: "a", kind: "services" },
      );
      refused(
        await api.post(api.leases, lease("a")),
        409,
        "AlreadyExists",
        'leases.coordination.k8s.io "a" already exists',
        { name: "a", group: "coordination.k8s.io", kind: "leases" },
      );
      refused(
        await api.post("/api/v1/namespaces/nowhere/services", service("a")),
        404,
        "NotFound",
        'namespaces "nowhere" not found',
        { name: "nowhere", kind: "namespaces" },
      );
      refused(
        await api.post(api.services, service("b", {}, { namespace: "default" })),
        400,
        "BadRequest",
        "the namespace of the provided object does not match the namespace sent on the request",
      );
      refused(
        await api.post(api.services, service("b", {}, { resourceVersion: "5" })),
        500,
        undefined,
        "resourceVersion should not be set on objects to be created",
      );
    },
  },
  {
    name: "POST refuses bodies that cannot be read",
    async run(api) {
      const broken = await api.post(api.services, "{bad");
      assert.deepEqual([broken.status, broken.body.reason], [400, "BadRequest"]);
      const other = await api.post(api.services, { ...lease("a"), apiVersion: "v1" });
      refused(
        other,
        400,
        "BadRequest",
        'Lease in version "v1" cannot be handled as a Service: no kind "Lease" is registered for ' +
          'version "v1" in scheme "pkg/runtime/scheme.go:110"',
      );
    },
  },
  {
    name: "GET of what is not there is answered with 404",
    async run(api) {
      refused(await api.get(`${api.services}/x`), 404, "NotFound", 'services "x" not found', {
        name: "x",
        kind: "services",
      });
      const message = 'leases.coordination.k8s.io "x" not found';
      refused(await api.get(`${api.leases}/x`), 404, "NotFound", message);
      refused(await api.delete(`${api.leases}/x`), 404, "NotFound", message);
      refused(await api.patch(`${api.leases}/x`, { spec: {} }), 404, "NotFound", message);
    },
  },
  {
    name: "a Service's name, type, ports and class are checked",
    async run(api) {
      const wrong = async (body: unknown, message: string, cause: object) => {
        const name = (body as Body).metadata.name;
        const details = { name, kind: "Service", causes: [cause] };
        const full = `Service "${name}" is invalid: ${message}`;
        refused(await api.post(api.services, body), 422, "Invalid", full, details);
      };
      const label = 'Invalid value: "A_": a DNS-1035 label must consist of lower case ' +
        "alphanumeric characters or '-', start with an alphabetic character, and end with an " +
        "alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is " +
        "'[a-z]([-a-z0-9]*[a-z0-9])?')";
      await wrong(service("A_"), `metadata.name: ${label}`, {
        reason: "FieldValueInvalid",
        message: label,
        field: "metadata.name",
      });
      const types = 'Unsupported value: "Foo": supported values: "ClusterIP", "ExternalName", ' +
        '"LoadBalancer", "NodePort"';
      await wrong(service("c", { type: "Foo" }), `spec.type: ${types}`, {
        reason: "FieldValueNotSupported",
        message: types,
        field: "spec.type",
      });
      await wrong(service("c", { ports: [] }), "spec.ports: Required value", {
        reason: "FieldValueRequired",
        message: "Required value",
        field: "spec.ports",
      });
      const ports = "Invalid value: 70000: must be between 1 and 65535, inclusive";
      const tooHigh = await api.post(api.services, service("c", { ports: [{ port: 70_000 }] }));
      assert.equal(tooHigh.status, 422);
      assert.deepEqual(tooHigh.body.details.causes[0], {
        reason: "FieldValueInvalid",
        message: ports,
        field: "spec.ports[0].port",
      });
      const only = "Forbidden: may only be used when `type` is 'LoadBalancer'";
      await wrong(service("c", { loadBalancerClass: "x" }), `spec.loadBalancerClass: ${only}`, {
        reason: "FieldValueForbidden",
        message: only,
        field: "spec.loadBalancerClass",
      });
      const named = 'Invalid value: "x y": name part must consist of alphanumeric characters, ' +
        "'-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  " +
        "or 'my.name',  or '123-abc', regex used for validation is " +
        "'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
      await wrong(balancer("c", "x y"), `spec.loadBalancerClass: ${named}`, {
        reason: "FieldValueInvalid",
        message: named,
        field: "spec.loadBalancerClass",
      });
      accepted(await api.post(api.services, balancer("c", "example.com/internal")), 201);
    },
  },
  {
    name: "a class cannot change while the type is LoadBalancer",
    async run(api) {
      const created = accepted(await api.post(api.services, balancer("a")), 201);
      const path = `${api.services}/a`;
      const message = (value: string) =>
        `Service "a" is invalid: spec.loadBalancerClass: Invalid value: ${value}: may not change ` +
        "once set";
      const changed = { ...created, spec: { ...created.spec, loadBalancerClass: "other" } };
      refused(await api.put(path, changed), 422, "Invalid", message('"other"'));
      const patch = (value: string | null) =>
        api.patch(path, { spec: { loadBalancerClass: value } });
      refused(await patch("other"), 422, "Invalid", message('"other"'));
      refused(await patch(null), 422, "Invalid", message("null"));
      accepted(await api.post(api.services, service("b", { type: "LoadBalancer" })), 201);
      const late = await api.patch(`${api.services}/b`, { spec: { loadBalancerClass: "late" } });
      assert.equal(late.status, 422);
      // By way of another type it can.
      accepted(await api.patch(path, { spec: { type: "ClusterIP" } }));
      const back = { spec: { type: "LoadBalancer", loadBalancerClass: "other" } };
      assert.equal(accepted(await api.patch(path, back)).spec.loadBalancerClass, "other");
    },
  },
  {
    name: "a type that is no LoadBalancer any more loses class, node ports and status",
    async run(api) {
      const { spec: { clusterIP } } = accepted(await api.post(api.services, balancer("a")), 201);
      const path = `${api.services}/a`;
      const status = { status: { loadBalancer: { ingress: [{ ip: "192.0.2.1" }] } } };
      accepted(await api.patch(`${path}/status`, status));
      const plain = accepted(await api.patch(path, { spec: { type: "ClusterIP" } }));
      assert.deepEqual(plain.status, { loadBalancer: {} });
      for (
        const name of [
          "loadBalancerClass",
          "allocateLoadBalancerNodePorts",
          "externalTrafficPolicy",
        ]
      ) {
        assert.equal(plain.spec[name], undefined, name);
      }
      assert.equal(plain.spec.ports[0].nodePort, undefined);
      assert.equal(plain.spec.clusterIP, clusterIP);
      const external = { spec: { type: "ExternalName", externalName: "example.com" } };
      const named = accepted(await api.patch(path, external));
      assert.deepEqual([named.spec.clusterIP, named.spec.clusterIPs], [undefined, undefined]);
      accepted(await api.post(api.services, balancer("b")), 201);
      const both = { spec: { type: "ClusterIP", loadBalancerClass: "other" } };
      refused(
        await api.patch(`${api.services}/b`, both),
        422,
        "Invalid",
        'Service "b" is invalid: spec.loadBalancerClass: Forbidden: may only be used when `type` ' +
          "is 'LoadBalancer'",
      );
    },
  },
  {
    name: "a Service's status is written by /status alone, and its spec is not",
    async run(api) {
      const created = accepted(await api.post(api.services, balancer("a")), 201);
      const path = `${api.services}/a`;
      const ingress = [{ ip: "192.0.2.1", ipMode: "VIP" }];
      const status = { loadBalancer: { ingress } };
      const main = accepted(await api.patch(path, { status }));
      assert.deepEqual(main.status, { loadBalancer: {} });
      assert.equal(main.metadata.resourceVersion, created.metadata.resourceVersion);
      const patched = accepted(
        await api.patch(`${path}/status`, {
          metadata: { annotations: { note: "kept" } },
          spec: { sessionAffinity: "ClientIP" },
          status,
        }),
      );
      assert.deepEqual(patched.status, status);
      assert.deepEqual(patched.spec, created.spec);
      assert.deepEqual(patched.metadata.annotations, { note: "kept" });
      const put = accepted(
        await api.put(path, {
          ...patched,
          spec: { ...patched.spec, loadBalancerIP: "192.0.2.9" },
          status: {},
        }),
      );
      assert.deepEqual(put.status, status);
      const cleared = accepted(
        await api.put(`${path}/status`, { ...put, status: { loadBalancer: {} } }),
      );
      assert.deepEqual(cleared.status, { loadBalancer: {} });
      assert.equal(cleared.spec.loadBalancerIP, "192.0.2.9");
      const conditions = [{
        type: "Announced",
        status: "True",
        reason: "Held",
        message: "",
        lastTransitionTime: "2024-01-01T00:00:00Z",
      }];
      const withConditions = accepted(
        await api.patch(`${path}/status`, { status: { conditions } }),
      );
      assert.deepEqual(withConditions.status, { conditions, loadBalancer: {} });
    },
  },
  {
    name: "a Service's status is checked",
    async run(api) {
      accepted(await api.post(api.services, balancer("a")), 201);
      accepted(await api.post(api.services, service("b")), 201);
      const write = (ingress: object[], name = "a") =>
        api.patch(`${api.services}/${name}/status`, { status: { loadBalancer: { ingress } } });
      const path = 'Service "a" is invalid: status.loadBalancer.ingress[0]';
      const defaulted = accepted(await write([{ ip: "192.0.2.1" }]));
      assert.deepEqual(defaulted.status.loadBalancer.ingress, [{ ip: "192.0.2.1", ipMode: "VIP" }]);
      accepted(
        await write([{ ip: "192.0.2.1", ipMode: "Proxy" }, { ip: "2001:db8::1", ipMode: "VIP" }]),
      );
      accepted(await write([{ hostname: "example.com" }]));
      refused(
        await write([{ ip: "192.0.2.1", ipMode: "Foo" }]),
        422,
        "Invalid",
        `${path}.ipMode: Unsupported value: "Foo": supported values: "Proxy", "VIP"`,
      );
      refused(
        await write([{ hostname: "x", ipMode: "VIP" }]),
        422,
        "Invalid",
        `${path}.ipMode: Forbidden: may not be specified when \`ip\` is not set`,
      );
      refused(
        await write([{ ip: "192.0.2" }]),
        422,
        "Invalid",
        `${path}.ip: Invalid value: "192.0.2": must be a valid IP address, (e.g. 10.9.8.7 or ` +
          "2001:db8::ffff)",
      );
      refused(
        await write([{ ip: "192.0.2.1" }], "b"),
        422,
        "Invalid",
        'Service "b" is invalid: status.loadBalancer.ingress: Forbidden: may only be used when ' +
          "`spec.type` is 'LoadBalancer'",
      );
    },
  },
  {
    name: "PUT and PATCH compare and swap on resourceVersion",
    async run(api) {
      const first = accepted(await api.post(api.leases, lease("a", { holderIdentity: "n1" })), 201);
      const path = `${api.leases}/a`;
      const taken = { ...first, spec: { holderIdentity: "n2" } };
      const second = accepted(await api.put(path, taken));
      assert.ok(Number(second.metadata.resourceVersion) > Number(first.metadata.resourceVersion));
      const message = `Operation cannot be fulfilled on leases.coordination.k8s.io "a": ${CHANGED}`;
      const details = { name: "a", group: "coordination.k8s.io", kind: "leases" };
      refused(await api.put(path, taken), 409, "Conflict", message, details);
      const patch = (metadata: object) =>
        api.patch(path, { metadata, spec: { holderIdentity: "n3" } });
      const { resourceVersion } = first.metadata;
      refused(await patch({ resourceVersion }), 409, "Conflict", message, details);
      assert.equal((await api.get(path)).body.spec.holderIdentity, "n2");
      const patched = accepted(
        await patch({ resourceVersion: second.metadata.resourceVersion, uid: second.metadata.uid }),
      );
      assert.equal(patched.spec.holderIdentity, "n3");
      accepted(await patch({ labels: { any: "time" } }));
      refused(
        await patch({ resourceVersion: "abc" }),
        500,
        undefined,
        'strconv.ParseUint: parsing "abc": invalid syntax',
      );
    },
  },
  {
    name: "PUT and PATCH refuse another uid",
    async run(api) {
      const created = accepted(await api.post(api.leases, lease("a")), 201);
      const path = `${api.leases}/a`;
      const { uid } = created.metadata;
      refused(
        await api.put(path, { ...created, metadata: { ...created.metadata, uid: "other" } }),
        409,
        "Conflict",
        'Operation cannot be fulfilled on leases.coordination.k8s.io "a": StorageError: invalid ' +
          `object, Code: 4, Key: /registry/leases/${api.namespace}/a, ResourceVersion: 0, ` +
          "AdditionalErrorMsg: Precondition failed: UID in precondition: other, UID in object " +
          `meta: ${uid}`,
      );
      refused(
        await api.patch(path, { metadata: { uid: "other" } }),
        422,
        "Invalid",
        'Lease.coordination.k8s.io "a" is invalid: metadata.uid: Invalid value: "other": field is ' +
          "immutable",
      );
      accepted(await api.patch(path, { metadata: { uid }, spec: { holderIdentity: "n1" } }));
    },
  },
  {
    name: "PUT without a resourceVersion overwrites a Service, and not a Lease",
    async run(api) {
      const created = accepted(await api.post(api.services, balancer("a")), 201);
      accepted(await api.post(api.leases, lease("a")), 201);
      const put = accepted(await api.put(`${api.services}/a`, balancer("a")));
      assert.equal(put.spec.clusterIP, created.spec.clusterIP);
      assert.equal(put.spec.ports[0].nodePort, created.spec.ports[0].nodePort);
      assert.equal(put.metadata.uid, created.metadata.uid);
      refused(
        await api.put(`${api.leases}/a`, lease("a", { holderIdentity: "n1" })),
        422,
        "Invalid",
        'leases.coordination.k8s.io "a" is invalid: metadata.resourceVersion: Invalid value: 0: ' +
          "must be specified for an update",
      );
    },
  },
  {
    name: "PUT creates Services and Leases that are not there",
    async run(api) {
      accepted(await api.put(`${api.leases}/a`, lease("a", { holderIdentity: "n1" })), 201);
      accepted(await api.put(`${api.services}/a`, service("a")), 201);
      const slices = await api.put(`${api.slices}/a`, slice("a", { addressType: "IPv4" }));
      const message = 'endpointslices.discovery.k8s.io "a" not found';
      refused(slices, 404, "NotFound", message);
    },
  },
  {
    name: "PUT and PATCH refuse another name",
    async run(api) {
      accepted(await api.post(api.services, service("a")), 201);
      const message = "the name of the object (b) does not match the name on the URL (a)";
      refused(await api.put(`${api.services}/a`, service("b")), 400, "BadRequest", message);
      refused(
        await api.patch(`${api.services}/a`, { metadata: { name: "b" } }),
        400,
        "BadRequest",
        message,
      );
    },
  },
  {
    name: "PATCH merges as RFC 7386 says",
    async run(api) {
      const metadata = { annotations: { keep: "1", drop: "1", change: "1" } };
      accepted(await api.post(api.services, balancer("a", "x", metadata)), 201);
      const path = `${api.services}/a`;
      const patched = accepted(
        await api.patch(path, {
          metadata: { annotations: { drop: null, change: "2", absent: null } },
          spec: { ports: [{ name: "web", port: 8080 }] },
        }),
      );
      assert.deepEqual(patched.metadata.annotations, { keep: "1", change: "2" });
      assert.deepEqual(patched.spec.ports.map((port: Body) => [port.name, port.port]), [[
        "web",
        8080,
      ]]);
      const broken = await api.send("PATCH", path, "{bad");
      assert.deepEqual([broken.status, broken.body.reason], [400, "BadRequest"]);
      const type = { "content-type": "application/json" };
      const untyped = await api.send("PATCH", path, {}, type);
      refused(untyped, 415, "UnsupportedMediaType", "415: Unsupported Media Type");
    },
  },
  {
    name: "a write that changes nothing makes no new version",
    async run(api) {
      const created = accepted(
        await api.post(api.leases, lease("a", { holderIdentity: "n1" })),
        201,
      );
      const { resourceVersion } = created.metadata;
      const path = `${api.leases}/a`;
      const put = accepted(await api.put(path, created));
      const patched = accepted(await api.patch(path, { spec: { holderIdentity: "n1" } }));
      assert.equal(put.metadata.resourceVersion, resourceVersion);
      assert.equal(patched.metadata.resourceVersion, resourceVersion);
    },
  },
  {
    name: "a Lease's numbers and times are checked",
    async run(api) {
      const post = (spec: object) => api.post(api.leases, lease("a", spec));
      refused(
        await post({ leaseDurationSeconds: 0 }),
        422,
        "Invalid",
        'Lease.coordination.k8s.io "a" is invalid: spec.leaseDurationSeconds: Invalid value: 0: ' +
          "must be greater than 0",
      );
      refused(
        await post({ leaseDurationSeconds: -1, leaseTransitions: -1 }),
        422,
        "Invalid",
        'Lease.coordination.k8s.io "a" is invalid: [spec.leaseDurationSeconds: Invalid value: -1: ' +
          "must be greater than 0, spec.leaseTransitions: Invalid value: -1: must be greater than " +
          "or equal to 0]",
      );
      const undecodable = 'Lease in version "v1" cannot be handled as a Lease: ';
      const layout = '"2006-01-02T15:04:05.000000Z07:00"';
      refused(
        await post({ renewTime: "2024-01-01T00:00:00Z" }),
        400,
        "BadRequest",
        `${undecodable}parsing time "2024-01-01T00:00:00Z" as ${layout}: cannot parse "Z" as ` +
          '".000000"',
      );
      refused(
        await post({ renewTime: "2024-01-01T00:00:00.123Z" }),
        400,
        "BadRequest",
        `${undecodable}parsing time "2024-01-01T00:00:00.123Z" as ${layout}: cannot parse ` +
          '".123Z" as ".000000"',
      );
      refused(
        await post({ renewTime: "soon" }),
        400,
        "BadRequest",
        `${undecodable}parsing time "soon" as ${layout}: cannot parse "soon" as "2006"`,
      );
      refused(
        await post({ leaseDurationSeconds: "5" }),
        400,
        "BadRequest",
        `${undecodable}json: cannot unmarshal string into Go struct field ` +
          "LeaseSpec.spec.leaseDurationSeconds of type int32",
      );
      refused(
        await post({ leaseDurationSeconds: 5.5 }),
        400,
        "BadRequest",
        `${undecodable}json: cannot unmarshal number 5.5 into Go struct field ` +
          "LeaseSpec.spec.leaseDurationSeconds of type int32",
      );
      const times = {
        acquireTime: "2024-01-01T00:00:00.000001Z",
        renewTime: "2024-01-01T02:00:00.123456+02:00",
      };
      const created = accepted(await post({ holderIdentity: null, ...times }), 201);
      assert.deepEqual(created.spec, {
        acquireTime: "2024-01-01T00:00:00.000001Z",
        renewTime: "2024-01-01T00:00:00.123456Z",
      });
      const patch = await api.patch(`${api.leases}/a`, {
        spec: { renewTime: "2024-01-01T00:00:00Z" },
      });
      assert.deepEqual([patch.status, patch.body.reason], [422, "Invalid"]);
      assert.match(patch.body.message, /^ "" is invalid: patch: Invalid value: .* as ".000000"$/);
      assert.equal(patch.body.details.causes[0].field, "patch");
    },
  },
  {
    name: "DELETE heeds preconditions and says what it deleted",
    async run(api) {
      const created = accepted(await api.post(api.services, service("a")), 201);
      const { uid, resourceVersion } =
        accepted(await api.post(api.leases, lease("a")), 201).metadata;
      const path = `${api.leases}/a`;
      const message = 'Operation cannot be fulfilled on Lease.coordination.k8s.io "a": the ';
      refused(
        await api.delete(path, { preconditions: { uid: "other" } }),
        409,
        "Conflict",
        `${message}UID in the precondition (other) does not match the UID in record (${uid}). The ` +
          "object might have been deleted and then recreated",
      );
      refused(
        await api.delete(path, { preconditions: { resourceVersion: "1" } }),
        409,
        "Conflict",
        `${message}ResourceVersion in the precondition (1) does not match the ResourceVersion in ` +
          `record (${resourceVersion}). The object might have been modified`,
      );
      const deleted = accepted(await api.delete(path, { preconditions: { uid, resourceVersion } }));
      assert.equal(deleted.status, "Success");
      assert.deepEqual(deleted.details, {
        name: "a",
        group: "coordination.k8s.io",
        kind: "leases",
        uid,
      });
      assert.equal((await api.get(path)).status, 404);
      const last = accepted(await api.delete(`${api.services}/a`));
      assert.equal(last.metadata.uid, created.metadata.uid);
      assert.ok(Number(last.metadata.resourceVersion) > Number(created.metadata.resourceVersion));
    },
  },
  {
    name: "DELETE waits for finalizers",
    async run(api) {
      const metadata = { finalizers: ["classvip.io/test"] };
      accepted(await api.post(api.services, service("a", {}, metadata)), 201);
      const path = `${api.services}/a`;
      const { metadata: marked } = accepted(await api.delete(path));
      assert.ok(marked.deletionTimestamp);
      assert.equal(marked.deletionGracePeriodSeconds, 0);
      const again = accepted(await api.delete(path)).metadata;
      assert.equal(again.resourceVersion, marked.resourceVersion);
      const more = await api.patch(path, {
        metadata: { finalizers: ["classvip.io/test", "a.b/c"] },
      });
      refused(
        more,
        422,
        "Invalid",
        'Service "a" is invalid: metadata.finalizers: Forbidden: no new finalizers can be added ' +
          'if the object is being deleted, found new finalizers []string{"a.b/c"}',
      );
      await using watch = await api.watch(api.services, {
        resourceVersion: marked.resourceVersion,
      });
      accepted(await api.patch(path, { metadata: { finalizers: null } }));
      assert.equal((await watch.next())?.type, "DELETED");
      assert.equal((await api.get(path)).status, 404);
    },
  },
  {
    name: "lists give the version they were read at",
    async run(api) {
      const empty = accepted(await api.get(api.services));
      assert.equal(empty.kind, "ServiceList");
      assert.deepEqual(empty.items, []);
      const a = accepted(await api.post(api.services, service("a")), 201);
      accepted(await api.post(api.services, service("b")), 201);
      const list = accepted(await api.get(api.services));
      assert.ok(Number(list.metadata.resourceVersion) > Number(empty.metadata.resourceVersion));
      assert.deepEqual(list.items.map((item: Body) => item.metadata.name), ["a", "b"]);
      assert.deepEqual([list.items[0].kind, list.items[0].apiVersion], [undefined, undefined]);
      const all = accepted(await api.get("/api/v1/services?fieldSelector=metadata.name%3Da"));
      assert.ok(all.items.some((item: Body) => item.metadata.uid === a.metadata.uid));
      const exact = `resourceVersion=${a.metadata.resourceVersion}&resourceVersionMatch=Exact`;
      const then = accepted(await api.get(`${api.services}?${exact}`));
      assert.deepEqual(then.items.map((item: Body) => item.metadata.name), ["a"]);
      refused(
        await api.get(`${api.services}?resourceVersion=abc`),
        400,
        "BadRequest",
        'invalid resource version: resourceVersion: Invalid value: "abc": strconv.ParseUint: ' +
          'parsing "abc": invalid syntax',
      );
    },
  },
  {
    name: "lists come in pages of one version",
    async run(api) {
      for (const name of ["a", "b", "c"]) accepted(await api.post(api.leases, lease(name)), 201);
      const first = accepted(await api.get(`${api.leases}?limit=2`));
      assert.deepEqual(first.items.map((item: Body) => item.metadata.name), ["a", "b"]);
      assert.equal(first.metadata.remainingItemCount, 1);
      accepted(await api.post(api.leases, lease("d")), 201);
      const query = `limit=2&continue=${encodeURIComponent(first.metadata.continue)}`;
      const second = accepted(await api.get(`${api.leases}?${query}`));
      assert.deepEqual(second.items.map((item: Body) => item.metadata.name), ["c"]);
      assert.equal(second.metadata.resourceVersion, first.metadata.resourceVersion);
      assert.equal(second.metadata.continue, undefined);
      const odd = await api.get(`${api.leases}?limit=1&continue=bogus`);
      assert.deepEqual([odd.status, odd.body.reason], [400, "BadRequest"]);
      assert.match(odd.body.message, /^invalid continue token: continue key is not valid/);
    },
  },
  {
    name: "lists wait for a version to come, and then say that it did not",
    async run(api) {
      const { metadata } = accepted(await api.get(api.services));
      const answer = await api.get(
        `${api.services}?resourceVersion=${Number(metadata.resourceVersion) + 9_999_999}`,
      );
      assert.equal(answer.status, 504);
      assert.equal(answer.body.reason, "Timeout");
      assert.match(answer.body.message, /^Timeout: Too large resource version: \d+, current: \d+$/);
      assert.equal(answer.headers.get("retry-after"), "1");
    },
  },
  {
    name: "label selectors",
    async run(api) {
      accepted(
        await api.post(api.services, service("a", {}, { labels: { tier: "web", env: "prod" } })),
        201,
      );
      accepted(await api.post(api.services, service("b", {}, { labels: { tier: "db" } })), 201);
      accepted(await api.post(api.services, service("c")), 201);
      for (
        const [selector, names] of [
          ["tier=web", ["a"]],
          ["tier==web,env=prod", ["a"]],
          ["tier!=web", ["b", "c"]],
          ["tier in (web, db)", ["a", "b"]],
          ["tier notin (web)", ["b", "c"]],
          ["tier", ["a", "b"]],
          ["!env", ["b", "c"]],
          ["env notin (dev),tier in (web)", ["a"]],
        ] as const
      ) {
        const query = new URLSearchParams({ labelSelector: selector });
        const { items } = accepted(await api.get(`${api.services}?${query}`));
        assert.deepEqual(items.map((item: Body) => item.metadata.name), names, selector);
      }
      const open = await api.get(`${api.services}?labelSelector=a+in+(b`);
      const message = "unable to parse requirement: found '', expected: ',' or ')'";
      refused(open, 400, "BadRequest", message);
    },
  },
  {
    name: "field selectors",
    async run(api) {
      accepted(await api.post(api.services, balancer("a")), 201);
      accepted(await api.post(api.services, service("b")), 201);
      for (
        const [selector, names] of [
          ["spec.type=LoadBalancer", ["a"]],
          ["spec.type!=LoadBalancer", ["b"]],
          ["metadata.name=b", ["b"]],
          [`metadata.namespace=${api.namespace},metadata.name!=b`, ["a"]],
        ] as const
      ) {
        const query = new URLSearchParams({ fieldSelector: selector });
        const { items } = accepted(await api.get(`${api.services}?${query}`));
        assert.deepEqual(items.map((item: Body) => item.metadata.name), names, selector);
      }
      const list = (path: string, selector: string) =>
        api.get(`${path}?${new URLSearchParams({ fieldSelector: selector })}`);
      refused(
        await list(api.services, "foo=bar"),
        400,
        "BadRequest",
        "field label not supported: foo",
      );
      refused(
        await list(api.leases, "spec.holderIdentity=x"),
        400,
        "BadRequest",
        '"spec.holderIdentity" is not a known field selector: only "metadata.name", ' +
          '"metadata.namespace"',
      );
      refused(
        await list(api.services, "spec.type"),
        400,
        "BadRequest",
        "invalid selector: 'spec.type'; can't understand 'spec.type'",
      );
    },
  },
  {
    name: "a watch gives what happened since a version, in order",
    async run(api) {
      const { metadata: { resourceVersion } } = accepted(await api.get(api.leases));
      const created = accepted(
        await api.post(api.leases, lease("a", { holderIdentity: "n1" })),
        201,
      );
      await using watch = await api.watch(api.leases, { resourceVersion });
      assert.deepEqual(await watch.next(), { type: "ADDED", object: created });
      const renewed = accepted(await api.put(`${api.leases}/a`, { ...created, spec: {} }));
      assert.deepEqual(await watch.next(), { type: "MODIFIED", object: renewed });
      accepted(await api.delete(`${api.leases}/a`));
      const last = await watch.next();
      assert.equal(last?.type, "DELETED");
      assert.deepEqual(last.object.spec, renewed.spec);
      const version = (object: Body) => Number(object.metadata.resourceVersion);
      assert.ok(version(last.object) > version(renewed));
    },
  },
  {
    name: "a watch without a version starts with what is there",
    async run(api) {
      const a = accepted(await api.post(api.leases, lease("a")), 201);
      for (const query of [{}, { resourceVersion: "0" }] as Record<string, string>[]) {
        await using watch = await api.watch(api.leases, query);
        assert.deepEqual(await watch.next(), { type: "ADDED", object: a });
      }
    },
  },
  {
    name: "an object comes and goes for a watch as it starts and stops to match",
    async run(api) {
      const { metadata: { resourceVersion } } = accepted(await api.get(api.services));
      await using watch = await api.watch("/api/v1/services", {
        resourceVersion,
        fieldSelector: `spec.type=LoadBalancer,metadata.namespace=${api.namespace}`,
      });
      accepted(await api.post(api.services, service("plain")), 201);
      const path = `${api.services}/a`;
      accepted(await api.post(api.services, service("a")), 201);
      const type = (value: string) => api.patch(path, { spec: { type: value } });
      const balanced = accepted(await type("LoadBalancer"));
      assert.deepEqual(await watch.next(), { type: "ADDED", object: balanced });
      const away = accepted(await type("ClusterIP"));
      const { resourceVersion: gone } = away.metadata;
      const deleted = await watch.next();
      assert.equal(deleted?.type, "DELETED");
      assert.equal(deleted.object.spec.type, "LoadBalancer");
      assert.deepEqual(deleted.object.spec.ports, balanced.spec.ports);
      assert.equal(deleted.object.metadata.resourceVersion, gone);
      const back = accepted(await type("LoadBalancer"));
      assert.deepEqual(await watch.next(), { type: "ADDED", object: back });
    },
  },
  {
    name: "a watch can be for one name",
    async run(api) {
      const { metadata: { resourceVersion } } = accepted(await api.get(api.leases));
      const fieldSelector = "metadata.name=b";
      await using watch = await api.watch(api.leases, { resourceVersion, fieldSelector });
      accepted(await api.post(api.leases, lease("a")), 201);
      const b = accepted(await api.post(api.leases, lease("b")), 201);
      assert.deepEqual(await watch.next(), { type: "ADDED", object: b });
    },
  },
  {
    name: "a watch ends by itself after timeoutSeconds, with a bookmark before",
    async run(api) {
      const { metadata: { resourceVersion } } = accepted(await api.get(api.leases));
      await using watch = await api.watch(api.leases, {
        resourceVersion,
        timeoutSeconds: "4",
        allowWatchBookmarks: "true",
        fieldSelector: "metadata.name=b",
      });
      // Without progress the real one sends none.
      const other = accepted(await api.post(api.leases, lease("a")), 201).metadata;
      const bookmark = await watch.next();
      assert.equal(bookmark?.type, "BOOKMARK");
      assert.equal(bookmark.object.kind, "Lease");
      const version = Number(bookmark.object.metadata.resourceVersion);
      assert.ok(version >= Number(other.resourceVersion));
      let line: WatchLine | undefined;
      while ((line = await watch.next())) assert.equal(line.type, "BOOKMARK");
    },
  },
  {
    name: "a watch refuses versions and selectors that it cannot read",
    async run(api) {
      const message = 'resourceVersion: Invalid value: "abc": strconv.ParseUint: parsing "abc": ' +
        "invalid syntax";
      refused(
        await api.get(`${api.leases}?watch=true&resourceVersion=abc`),
        500,
        undefined,
        message,
      );
      const fields = `${api.services}?watch=true&fieldSelector=foo%3Dbar`;
      refused(await api.get(fields), 400, "BadRequest", "field label not supported: foo");
    },
  },
  {
    name: "versions that are forgotten are answered with 410",
    async run(api) {
      const first = accepted(await api.post(api.leases, lease("a")), 201).metadata;
      accepted(await api.post(api.leases, lease("b")), 201);
      const page = accepted(await api.get(`${api.leases}?limit=1`)).metadata;
      accepted(await api.post(api.leases, lease("c")), 201);
      await api.target.forget();
      await using watch = await api.watch(api.leases, { resourceVersion: first.resourceVersion });
      const error = await watch.next();
      assert.equal(error?.type, "ERROR");
      const { kind, status, reason, code, message } = error.object;
      assert.deepEqual([kind, status, reason, code], ["Status", "Failure", "Expired", 410]);
      assert.match(
        message,
        new RegExp(`^too old resource version: ${first.resourceVersion} \\(\\d+\\)$`),
      );
      assert.equal(await watch.next(), undefined);
      const exact = `resourceVersion=${first.resourceVersion}&resourceVersionMatch=Exact`;
      const list = await api.get(`${api.leases}?${exact}`);
      refused(list, 410, "Expired", "The resourceVersion for the provided list is too old.");
      const next = (token: string) =>
        api.get(`${api.leases}?limit=1&continue=${encodeURIComponent(token)}`);
      const continued = await next(page.continue);
      assert.deepEqual([continued.status, continued.body.reason], [410, "Expired"]);
      assert.match(
        continued.body.message,
        /^The provided continue parameter is too old to display/,
      );
      const rest = accepted(await next(continued.body.metadata.continue));
      assert.equal(rest.items[0].metadata.name, "b");
    },
  },
  {
    name: "Events are named by the server and belong to their object's namespace",
    async run(api) {
      const event = (involvedObject: object) => ({
        metadata: { generateName: "a." },
        involvedObject: { kind: "Service", name: "a", ...involvedObject },
        reason: "Announced",
        message: "m",
        type: "Normal",
        source: { component: "classvip" },
        firstTimestamp: "2024-01-01T00:00:00Z",
        lastTimestamp: "2024-01-01T00:00:00Z",
        count: 1,
      });
      const created = accepted(
        await api.post(api.events, event({ namespace: api.namespace })),
        201,
      );
      assert.match(created.metadata.name, /^a\.[a-z0-9]{5}$/);
      assert.equal(
        accepted(await api.get(`${api.events}?fieldSelector=reason%3DAnnounced`)).items.length,
        1,
      );
      const counted = { count: 2, lastTimestamp: "2024-01-01T00:01:00Z" };
      const patched = accepted(await api.patch(`${api.events}/${created.metadata.name}`, counted));
      assert.equal(patched.count, 2);
      const astray = await api.post(api.events, event({ namespace: "kube-system" }));
      assert.equal(astray.status, 422);
      assert.deepEqual(astray.body.details.causes, [{
        reason: "FieldValueInvalid",
        message: 'Invalid value: "kube-system": does not match event.namespace',
        field: "involvedObject.namespace",
      }]);
      const node = await api.post("/api/v1/namespaces/default/events", event({ kind: "Node" }));
      accepted(node, 201);
      accepted(await api.delete(`/api/v1/namespaces/default/events/${node.body.metadata.name}`));
    },
  },
  {
    name: "EndpointSlices have an address type for good, and a generation",
    async run(api) {
      const path = `${api.slices}/a`;
      const invalid = 'EndpointSlice.discovery.k8s.io "a" is invalid: addressType: ';
      refused(await api.post(api.slices, slice("a")), 422, "Invalid", `${invalid}Required value`);
      const endpoints = [{ addresses: ["192.0.2.1"], conditions: { ready: true }, nodeName: "n1" }];
      const fields = { addressType: "IPv4", endpoints };
      const created = accepted(await api.post(api.slices, slice("a", fields)), 201);
      assert.equal(created.metadata.generation, 1);
      assert.deepEqual(created.endpoints, endpoints);
      const labelled = accepted(await api.patch(path, { metadata: { annotations: { a: "b" } } }));
      assert.equal(labelled.metadata.generation, created.metadata.generation);
      assert.equal(accepted(await api.patch(path, { endpoints: [] })).metadata.generation, 2);
      const other = await api.patch(path, { addressType: "FQDN" });
      refused(other, 422, "Invalid", `${invalid}Invalid value: "FQDN": field is immutable`);
    },
  },
  {
    name: "Nodes have no namespace and a status of their own",
    async run(api) {
      const name = `node-${api.namespace}`;
      const node = { apiVersion: "v1", kind: "Node", metadata: { name } };
      const created = accepted(await api.post("/api/v1/nodes", node), 201);
      assert.equal(created.metadata.namespace, undefined);
      const path = `/api/v1/nodes/${name}`;
      const ready = { status: { conditions: [{ type: "Ready", status: "True" }] } };
      assert.equal(accepted(await api.patch(path, ready)).status.conditions, undefined);
      const patched = accepted(await api.patch(`${path}/status`, ready));
      assert.equal(patched.status.conditions[0].type, "Ready");
      const { details, status } = accepted(await api.delete(path));
      assert.equal(status, "Success");
      assert.deepEqual(details, { name, kind: "nodes", uid: created.metadata.uid });
    },
  },
  {
    name: "a namespace that is deleted takes nothing new",
    async run(api) {
      const path = `/api/v1/namespaces/${api.namespace}`;
      const { metadata, status } = accepted(await api.delete(path));
      assert.equal(status.phase, "Terminating");
      assert.ok(metadata.deletionTimestamp);
      refused(
        await api.post(api.services, service("a")),
        403,
        "Forbidden",
        `services "a" is forbidden: unable to create new content in namespace ${api.namespace} ` +
          "because it is being terminated",
      );
    },
  },
  {
    name: "an unknown token is answered with 401, a lacking right with 403",
    async run(api) {
      if (!api.target.enforcesRights) return;
      const authorization = "Bearer of-nobody";
      refused(
        await api.send("GET", api.services, undefined, { authorization }),
        401,
        "Unauthorized",
        "Unauthorized",
      );
      const stranger = new Session({ ...api.target, headers: {} }, api.namespace);
      const user = 'is forbidden: User "system:anonymous" cannot';
      const where = `in the namespace "${api.namespace}"`;
      refused(
        await stranger.get(api.services),
        403,
        "Forbidden",
        `services ${user} list resource "services" in API group "" ${where}`,
        { kind: "services" },
      );
      refused(
        await stranger.patch(`${api.services}/a/status`, {}),
        403,
        "Forbidden",
        `services "a" ${user} patch resource "services/status" in API group "" ${where}`,
        { name: "a", kind: "services" },
      );
      refused(
        await stranger.get(`${api.leases}?watch=1&fieldSelector=metadata.name%3Da`),
        403,
        "Forbidden",
        `leases.coordination.k8s.io "a" ${user} watch resource "leases" in API group ` +
          `"coordination.k8s.io" ${where}`,
        { name: "a", group: "coordination.k8s.io", kind: "leases" },
      );
      refused(
        await stranger.get("/api/v1/services"),
        403,
        "Forbidden",
        `services ${user} list resource "services" in API group "" at the cluster scope`,
      );
      accepted(await stranger.get("/version"));
    },
  },
];

/** Runs a case in a namespace of its own. */
export async function runCase(target: Target, one: Case): Promise<void> {
  const namespace = `case-${crypto.randomUUID().slice(0, 8)}`;
  const session = new Session(target, namespace);
  const body = { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } };
  accepted(await session.post("/api/v1/namespaces", body), 201);
  await one.run(session);
}
