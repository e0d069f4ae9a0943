import type { HttpRequest } from "./http.ts";
import { list } from "./list.ts";
import type { ApiObject } from "./resources.ts";
import { forbidden, parseRoute, rbacName, rbacObjectName, type Route } from "./route.ts";
import { badRequest, StatusError } from "./status.ts";
import { otherName, type Preconditions, type Store } from "./store.ts";
import { Watch } from "./watch.ts";

/** Who may do what; without it everyone may do everything. */
export interface Access {
  /** User names by bearer token. Where given, a token that is not here is answered with 401. */
  users?: Map<string, string>;
  /**
   * Whether a token (undefined: none was sent) may do this; else the answer is 403.
   * `resource` is RBAC's name, `services` or `services/status`; `namespace` and `name` are "" for
   * all.
   */
  authorize?: Authorize;
}

export type Authorize = (
  token: string | undefined,
  verb: Route["verb"],
  resource: string,
  namespace: string,
  name: string,
) => boolean;

/** A response, whole. A string is plain text, anything else JSON. */
export interface Answer {
  status: number;
  body: unknown;
  headers?: Record<string, string>;
}

/** Applies requests to a store and words the answers. */
export class Responder {
  constructor(readonly store: Store, readonly version: string, readonly access: Access) {}

  /** Applies a request. Never rejects for a refusal. */
  async answer(request: HttpRequest, stale?: number): Promise<Answer | Watch> {
    try {
      const token = request.headers.get("authorization")?.match(/^Bearer (.+)$/)?.[1];
      const user = this.#authenticate(token);
      return plain(request, this.version) ??
        await this.#serve(request, token, user, stale);
    } catch (error) {
      // Bodies of odd shapes make kube-apiserver panic at times, which ends in a 500 there too.
      const refusal = error instanceof StatusError
        ? error
        : new StatusError(500, "InternalError", `Internal error occurred: ${error}`);
      const seconds = refusal.details?.retryAfterSeconds;
      return {
        status: refusal.code,
        body: refusal.status,
        headers: seconds ? { "Retry-After": String(seconds) } : {},
      };
    }
  }

  #authenticate(token: string | undefined): string {
    if (token === undefined) return "system:anonymous";
    const user = this.access.users ? this.access.users.get(token) : "admin";
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
    const { authorize } = this.access;
    if (authorize && !authorize(token, verb, rbacName(route), namespace, allowedName)) {
      throw forbidden(user, route, allowedName);
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
