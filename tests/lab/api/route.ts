import type { HttpRequest } from "./http.ts";
import type { Resource } from "./resources.ts";
import { selectedName } from "./selectors.ts";
import { methodNotAllowed, qualified, StatusError, unknownPath } from "./status.ts";

/** A request for a resource, in RBAC's words. */
export interface Route {
  verb: "get" | "list" | "watch" | "create" | "update" | "patch" | "delete";
  resource: Resource;
  /** "" for all namespaces, and for a resource that has none. */
  namespace: string;
  /** "" for the collection. */
  name: string;
  status: boolean;
}

/**
 * Reads a path like `/apis/coordination.k8s.io/v1/namespaces/default/leases/x`.
 *
 * @throws {StatusError} 404 or 405.
 */
export function parseRoute(request: HttpRequest, resources: Resource[]): Route {
  const segments = request.path.split("/").filter(Boolean).map(decodeURIComponent);
  const group = segments.shift() === "api" ? "" : segments.shift();
  if (segments.shift() !== "v1") throw unknownPath();
  // The namespace itself is a resource: /namespaces/x and /namespaces/x/status are its own.
  const scoped = segments[0] === "namespaces" && segments.length > 2 && segments[2] !== "status";
  const namespace = scoped ? segments[1]! : "";
  const [plural, name = "", subresource] = scoped ? segments.slice(2) : segments;
  const resource = resources.find((one) => one.group === group && one.plural === plural);
  if (!resource || (scoped && !resource.namespaced)) throw unknownPath();
  if (name && resource.namespaced && !scoped) throw unknownPath();
  if (subresource !== undefined && !(subresource === "status" && resource.status)) {
    throw unknownPath();
  }
  const status = subresource === "status";
  const verb = verbOf(request, name, status);
  if (!verb || (verb === "create" && resource.namespaced && !scoped)) throw methodNotAllowed();
  return { verb, resource, namespace, name, status };
}

/**
 * What a user without the right to it is told (403).
 *
 * @param name The object's, or the one that the field selector names.
 */
export function forbidden(user: string, route: Route, name: string): StatusError {
  const { verb, resource, namespace } = route;
  const { group } = resource;
  const what = name ? `${qualified(resource)} "${name}"` : qualified(resource);
  const where = namespace ? `in the namespace "${namespace}"` : "at the cluster scope";
  return new StatusError(
    403,
    "Forbidden",
    `${what} is forbidden: User "${user}" cannot ${verb} resource "${rbacName(route)}" in API ` +
      `group "${group}" ${where}`,
    { ...(name ? { name } : {}), ...(group ? { group } : {}), kind: resource.plural },
  );
}

/** `services`, or `services/status`. */
export function rbacName({ resource, status }: Route): string {
  return status ? `${resource.plural}/status` : resource.plural;
}

/** The name that rights are checked against: a list of one name counts as that name. */
export function rbacObjectName({ name }: Route, query: URLSearchParams): string {
  return name || selectedName(query.get("fieldSelector") ?? "") || "";
}

function verbOf({ method, query }: HttpRequest, name: string, status: boolean) {
  if (!name) {
    if (method === "POST") return "create";
    if (method !== "GET") return undefined;
    return ["true", "1"].includes(query.get("watch") ?? "") ? "watch" : "list";
  }
  if (method === "GET") return "get";
  if (method === "PUT") return "update";
  if (method === "PATCH") return "patch";
  return method === "DELETE" && !status ? "delete" : undefined;
}
