import { KubeError } from "./errors.ts";
import type { RequestOptions } from "./types.ts";

/** What a request asks for, in the words of a role's rules (RBAC). */
export interface Access {
  verb: string;
  /** API group, "" for the core. */
  group: string;
  /** With its subresource, for example `services/status`. */
  resource: string;
  namespace: string | undefined;
}

/** Reads the access from method and path; undefined for paths such as `/version`. */
export function accessOf({ method, path, query }: RequestOptions): Access | undefined {
  const parts = path.split("/").filter((part) => part !== "");
  const root = parts.shift();
  const group = root === "apis" ? parts.shift() : root === "api" ? "" : undefined;
  parts.shift(); // the version
  if (group === undefined) return undefined;
  const namespace = parts[0] === "namespaces" && parts.length > 2 ? parts[1] : undefined;
  if (namespace !== undefined) parts.splice(0, 2);
  const [resource, name, subresource] = parts;
  if (resource === undefined) return undefined;
  const reading = query?.["watch"] !== undefined ? "watch" : name === undefined ? "list" : "get";
  const verbs = { GET: reading, POST: "create", PUT: "update", PATCH: "patch", DELETE: "delete" };
  return {
    verb: verbs[method],
    group,
    resource: subresource === undefined ? resource : `${resource}/${subresource}`,
    namespace,
  };
}

/** Where the request went and with whose credentials. */
export interface Peer {
  server: string;
  /** Where the credentials came from; never a secret. */
  origin: string;
}

/**
 * The error for an answer with status ≥ 300.
 *
 * @param text the body: a Status object of the API, or whatever a proxy in between says.
 */
export function refusal(
  peer: Peer,
  options: RequestOptions,
  response: { status: number; statusText: string; retryAfter: string | null },
  text: string,
): KubeError {
  const { status } = response;
  const answer = readStatus(text);
  const said = answer.message ?? text.trim().slice(0, 200);
  return new KubeError(sentence(peer, options, response, said), {
    status,
    reason: answer.reason ?? (response.statusText || `HTTP ${status}`),
    retryAfterMs: retryAfterMs(response.retryAfter),
  });
}

/** The error for an ERROR event within a watch, whose object is a Status. */
export function watchRefusal(path: string, object: unknown): KubeError {
  const { code, reason, message } = readStatus(JSON.stringify(object) ?? "");
  return new KubeError(`Watch of ${path} ended by the API server: ${message ?? reason ?? code}`, {
    status: code ?? 500,
    reason: reason ?? "InternalError",
  });
}

function sentence(
  peer: Peer,
  options: RequestOptions,
  { status, statusText }: { status: number; statusText: string },
  said: string,
): string {
  const quoted = said === "" ? "" : `: ${said}`;
  if (status === 401) {
    return `API server ${peer.server} does not accept the credentials from ${peer.origin}${quoted}`;
  }
  const access = status === 403 ? accessOf(options) : undefined;
  if (access !== undefined) {
    const { verb, group, resource, namespace } = access;
    const where = namespace === undefined ? "in all namespaces" : `in namespace "${namespace}"`;
    const kind = namespace === undefined ? "ClusterRole" : "Role";
    return `Not allowed to ${verb} ${resource} ${where}: the ${kind} bound to the credentials from ` +
      `${peer.origin} must grant verb "${verb}" on resource "${resource}" in API group "${group}"${quoted}`;
  }
  const title = [status, statusText].filter(Boolean).join(" ");
  return `${options.method} ${options.path} was answered ${title}${quoted}`;
}

function readStatus(text: string): { code?: number; reason?: string; message?: string } {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return {};
  }
  if (typeof value !== "object" || value === null) return {};
  const { code, reason, message } = value as Record<string, unknown>;
  return {
    ...(typeof code === "number" ? { code } : {}),
    ...(typeof reason === "string" && reason !== "" ? { reason } : {}),
    ...(typeof message === "string" && message !== "" ? { message } : {}),
  };
}

/** The API server sends whole seconds; a date (RFC 9110, 10.2.3) is for the caller's back-off. */
function retryAfterMs(header: string | null): number | undefined {
  return header !== null && /^\d+$/.test(header.trim()) ? Number(header) * 1000 : undefined;
}
