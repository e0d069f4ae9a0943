import type { Resource } from "./resources.ts";

/** One reason among several, as in `details.causes` of a Status. */
export interface Cause {
  reason?: string;
  message: string;
  field?: string;
}

/** Which object a Status is about. */
export interface StatusDetails {
  name?: string;
  group?: string;
  kind?: string;
  uid?: string;
  causes?: Cause[];
  retryAfterSeconds?: number;
}

/** A refusal, with the Status object (meta/v1) that goes to the client. */
export class StatusError extends Error {
  override readonly name = "StatusError";

  constructor(
    readonly code: number,
    readonly reason: string | undefined,
    message: string,
    readonly details?: StatusDetails,
    /** Metadata of the Status, as a list's new `continue` token beside a 410. */
    readonly metadata: { continue?: string } = {},
  ) {
    super(message);
  }

  /** The Status object; fields in the order in which the API server writes them. */
  get status(): Record<string, unknown> {
    return {
      kind: "Status",
      apiVersion: "v1",
      metadata: this.metadata,
      status: "Failure",
      message: this.message,
      reason: this.reason,
      details: this.details,
      code: this.code,
    };
  }
}

/** A value that does not fit its field's Go type. */
export class DecodeError extends Error {
  override readonly name = "DecodeError";
}

/** `services`, or `leases.coordination.k8s.io`. */
export function qualified(resource: Resource, name = resource.plural): string {
  return resource.group ? `${name}.${resource.group}` : name;
}

export function badRequest(message: string): StatusError {
  return new StatusError(400, "BadRequest", message);
}

/** A path that names no resource or no method of one. */
export function unknownPath(): StatusError {
  return new StatusError(404, "NotFound", "the server could not find the requested resource", {});
}

export function methodNotAllowed(): StatusError {
  const message = "the server does not allow this method on the requested resource";
  return new StatusError(405, "MethodNotAllowed", message, {});
}

export function notFound(resource: Resource, name: string): StatusError {
  const message = `${qualified(resource)} "${name}" not found`;
  return new StatusError(404, "NotFound", message, about(resource, name));
}

export function alreadyExists(resource: Resource, name: string): StatusError {
  const message = `${qualified(resource)} "${name}" already exists`;
  return new StatusError(409, "AlreadyExists", message, about(resource, name));
}

export function conflict(
  resource: Resource,
  name: string,
  why =
    "the object has been modified; please apply your changes to the latest version and try again",
  kind = resource.plural,
): StatusError {
  const message = `Operation cannot be fulfilled on ${qualified(resource, kind)} "${name}": ${why}`;
  return new StatusError(409, "Conflict", message, about(resource, name, kind));
}

export function invalid(
  resource: Resource,
  name: string,
  causes: Cause[],
  kind = resource.kind,
): StatusError {
  const texts = causes.map((cause) => `${cause.field}: ${cause.message}`);
  const list = texts.length === 1 ? texts[0] : `[${texts.join(", ")}]`;
  const message = `${qualified(resource, kind)} "${name}" is invalid: ${list}`;
  return new StatusError(422, "Invalid", message, { ...about(resource, name, kind), causes });
}

/** A body that does not decode. */
export function undecodable({ kind }: Resource, why: string): StatusError {
  return badRequest(`${kind} in version "v1" cannot be handled as a ${kind}: ${why}`);
}

/** A patch after which the object does not decode; kube-apiserver names no object here. */
export function undecodablePatch(patched: unknown, why: string): StatusError {
  const message = `Invalid value: ${JSON.stringify(JSON.stringify(patched))}: ${why}`;
  return new StatusError(422, "Invalid", ` "" is invalid: patch: ${message}`, {
    causes: [{ reason: "FieldValueInvalid", message, field: "patch" }],
  });
}

export function expired(message: string, metadata?: { continue?: string }): StatusError {
  return new StatusError(410, "Expired", message, undefined, metadata);
}

export function about(resource: Resource, name?: string, kind = resource.plural): StatusDetails {
  return {
    ...(name ? { name } : {}),
    ...(resource.group ? { group: resource.group } : {}),
    kind,
  };
}
