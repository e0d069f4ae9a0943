import { History } from "./history.ts";
import { canonical, mergePatch, withoutNulls } from "./json.ts";
import { type ApiObject, makeResources, type Resource } from "./resources.ts";
import {
  about,
  alreadyExists,
  badRequest,
  type Cause,
  conflict,
  DecodeError,
  invalid,
  notFound,
  StatusError,
  undecodable,
  undecodablePatch,
} from "./status.ts";
import { forbidden, invalidValue } from "./validation.ts";

/** Deletes only the object that the client has seen. */
export interface Preconditions {
  uid?: string;
  resourceVersion?: string;
}

/** The objects of one server, with the rules by which kube-apiserver changes them. */
export class Store {
  readonly history = new History();
  readonly resources = makeResources();

  constructor() {
    for (const name of ["default", "kube-node-lease", "kube-public", "kube-system"]) {
      this.create("namespaces", { metadata: { name } });
    }
  }

  get resourceVersion(): number {
    return this.history.resourceVersion;
  }

  /** Forgets the past: older watches, continued lists and exact lists are answered with 410. */
  compact(): void {
    this.history.compact();
  }

  /** @throws {StatusError} 404. */
  get(plural: string, namespace: string, name: string): ApiObject {
    const resource = this.#resource(plural);
    const object = this.history.get(resource, namespace, name);
    if (!object) throw notFound(resource, name);
    return structuredClone(object);
  }

  list(plural: string, namespace?: string): ApiObject[] {
    const objects = this.history.list(this.#resource(plural));
    return structuredClone(
      objects.filter(({ metadata }) => !namespace || metadata.namespace === namespace),
    );
  }

  /** @throws {StatusError} 404 (namespace), 409, 422. */
  create(plural: string, body: ApiObject): ApiObject {
    const resource = this.#resource(plural);
    const object = complete(resource, body);
    const { metadata } = object;
    if (metadata.resourceVersion) {
      const message = "resourceVersion should not be set on objects to be created";
      throw new StatusError(500, undefined, message);
    }
    if (!metadata.name && metadata.generateName) {
      metadata.name = metadata.generateName + crypto.randomUUID().slice(0, 5);
    }
    if (resource.namespaced) this.#checkNamespace(resource, object);
    delete metadata.deletionTimestamp;
    metadata.uid = crypto.randomUUID();
    metadata.creationTimestamp = now();
    if (resource.generation) metadata.generation = 1;
    decode(resource, object);
    resource.rules.prepareForCreate?.(object);
    this.#check(resource, object, nameCauses(object).concat(resource.rules.validate(object)));
    if (this.history.get(resource, metadata.namespace ?? "", metadata.name!)) {
      throw alreadyExists(resource, metadata.name!);
    }
    return this.history.put(resource, object);
  }

  /**
   * Replaces an object, or its status alone.
   *
   * @throws {StatusError} 404, 409 (uid or resourceVersion is another), 422.
   */
  update(plural: string, body: ApiObject, options: { status?: boolean } = {}): ApiObject {
    const resource = this.#resource(plural);
    const object = complete(resource, body);
    decode(resource, object);
    const { namespace = "", name = "", uid, resourceVersion } = object.metadata;
    const old = this.history.get(resource, namespace, name);
    if (!old) throw notFound(resource, name);
    if (uid && uid !== old.metadata.uid) {
      const where = `/registry/${plural}${
        plural === "services" ? "/specs" : ""
      }/${namespace}/${name}`;
      throw conflict(
        resource,
        name,
        `StorageError: invalid object, Code: 4, Key: ${where}, ResourceVersion: 0, ` +
          `AdditionalErrorMsg: Precondition failed: UID in precondition: ${uid}, ` +
          `UID in object meta: ${old.metadata.uid}`,
      );
    }
    if (!resourceVersion && !resource.unconditionalUpdate) {
      const cause = invalidValue("metadata.resourceVersion", 0, "must be specified for an update");
      throw invalid(resource, name, [cause], resource.plural);
    }
    return this.#replace(resource, object, old, options);
  }

  /**
   * Applies a merge patch (RFC 7386) to an object, or to its status alone.
   *
   * @throws {StatusError} as `update()`.
   */
  patch(
    plural: string,
    namespace: string,
    name: string,
    patch: unknown,
    options: { status?: boolean } = {},
  ): ApiObject {
    const resource = this.#resource(plural);
    const old = this.history.get(resource, namespace, name);
    if (!old) throw notFound(resource, name);
    const object = complete(resource, mergePatch(old, patch) as ApiObject);
    decode(resource, object, (why) => undecodablePatch(object, why));
    if (object.metadata.name !== name) throw otherName(object.metadata.name, name);
    return this.#replace(resource, object, old, options);
  }

  /**
   * Deletes an object, or marks it where it has finalizers.
   *
   * @returns what the client is told: the object, or a Status.
   * @throws {StatusError} 404, 409 (preconditions).
   */
  delete(
    plural: string,
    namespace: string,
    name: string,
    preconditions: Preconditions = {},
  ): Record<string, unknown> {
    const resource = this.#resource(plural);
    const old = this.history.get(resource, namespace, name);
    if (!old) throw notFound(resource, name);
    const { uid, resourceVersion, finalizers, deletionTimestamp } = old.metadata;
    const wrong = (what: string, given: string, recorded: string | undefined, why: string) =>
      conflict(
        resource,
        name,
        `the ${what} in the precondition (${given}) does not match the ${what} in record ` +
          `(${recorded}). The object might have been ${why}`,
        resource.kind,
      );
    if (preconditions.uid && preconditions.uid !== uid) {
      throw wrong("UID", preconditions.uid, uid, "deleted and then recreated");
    }
    if (preconditions.resourceVersion && preconditions.resourceVersion !== resourceVersion) {
      throw wrong("ResourceVersion", preconditions.resourceVersion, resourceVersion, "modified");
    }
    const marked = structuredClone(old);
    if (finalizers?.length || plural === "namespaces") {
      if (deletionTimestamp) return structuredClone(old);
      marked.metadata.deletionTimestamp = now();
      if (plural === "namespaces") marked.status = { phase: "Terminating" };
      else marked.metadata.deletionGracePeriodSeconds = 0;
      return this.history.put(resource, marked);
    }
    const last = this.history.remove(resource, marked);
    if (resource.returnsDeleted) return last;
    const details = { ...about(resource, name), uid: uid! };
    return { kind: "Status", apiVersion: "v1", metadata: {}, status: "Success", details };
  }

  #replace(
    resource: Resource,
    object: ApiObject,
    old: ApiObject,
    { status = false }: { status?: boolean },
  ): ApiObject {
    const { metadata } = object;
    const name = metadata.name!;
    const { rules } = resource;
    if (metadata.resourceVersion && !/^\d+$/.test(metadata.resourceVersion)) {
      const message = `strconv.ParseUint: parsing "${metadata.resourceVersion}": invalid syntax`;
      throw new StatusError(500, undefined, message);
    }
    if (metadata.resourceVersion && metadata.resourceVersion !== old.metadata.resourceVersion) {
      throw conflict(resource, name);
    }
    const causes: Cause[] = [];
    metadata.uid ??= old.metadata.uid!;
    if (metadata.uid !== old.metadata.uid) {
      causes.push(invalidValue("metadata.uid", metadata.uid, "field is immutable"));
    }
    const { creationTimestamp, deletionTimestamp, deletionGracePeriodSeconds, generation } =
      old.metadata;
    Object.assign(metadata, { resourceVersion: old.metadata.resourceVersion, creationTimestamp });
    if (deletionTimestamp) {
      Object.assign(metadata, { deletionTimestamp, deletionGracePeriodSeconds });
      const added = metadata.finalizers?.filter((one) => !old.metadata.finalizers?.includes(one));
      if (added?.length) {
        const list = added.map((one) => `"${one}"`).join(", ");
        causes.push(forbidden(
          "metadata.finalizers",
          "no new finalizers can be added if the object is being deleted, found new finalizers " +
            `[]string{${list}}`,
        ));
      }
    } else delete metadata.deletionTimestamp;
    if (generation !== undefined) metadata.generation = generation;
    if (status) rules.prepareForStatusUpdate?.(object, old);
    else rules.prepareForUpdate?.(object, old);
    causes.push(...status ? rules.validateStatus!(object) : rules.validate(object, old));
    this.#check(resource, object, causes);
    // A write that changes nothing is not a write: no new resourceVersion and no event.
    if (canonical(object) === canonical(old)) return structuredClone(old);
    if (generation !== undefined && !sameButMetadata(object, old)) {
      metadata.generation = generation + 1;
    }
    if (deletionTimestamp && !metadata.finalizers?.length && resource.plural !== "namespaces") {
      this.history.remove(resource, object);
      return object;
    }
    return this.history.put(resource, object);
  }

  #check(resource: Resource, object: ApiObject, causes: Cause[]): void {
    if (causes.length > 0) throw invalid(resource, object.metadata.name ?? "", causes);
  }

  #checkNamespace(resource: Resource, object: ApiObject): void {
    const { name = "", namespace = "" } = object.metadata;
    const { metadata } = this.get("namespaces", "", namespace);
    if (!metadata.deletionTimestamp) return;
    throw new StatusError(
      403,
      "Forbidden",
      `${resource.plural} "${name}" is forbidden: unable to create new content in namespace ` +
        `${namespace} because it is being terminated`,
      {
        ...about(resource, name),
        causes: [{
          reason: "NamespaceTerminating",
          message: `namespace ${namespace} is being terminated`,
          field: "metadata.namespace",
        }],
      },
    );
  }

  #resource(plural: string): Resource {
    const resource = this.resources.find((resource) => resource.plural === plural);
    if (!resource) throw new TypeError(`No such resource: "${plural}"`);
    return resource;
  }
}

export function otherName(name: string | undefined, expected: string): StatusError {
  return badRequest(
    name
      ? `the name of the object (${name}) does not match the name on the URL (${expected})`
      : `the name of the object (${expected} based on URL) was undeterminable: name must be provided`,
  );
}

/** A copy in the server's own order of members, with its kind, and without nulls. */
function complete(resource: Resource, body: ApiObject): ApiObject {
  const { kind: _kind, apiVersion: _apiVersion, metadata, ...rest } = withoutNulls(
    structuredClone(body),
  ) as ApiObject;
  const apiVersion = resource.group ? `${resource.group}/v1` : "v1";
  const object: ApiObject = { kind: resource.kind, apiVersion, metadata: metadata ?? {}, ...rest };
  if (resource.namespaced) object.metadata.namespace ??= "default";
  else delete object.metadata.namespace;
  return object;
}

function decode(
  resource: Resource,
  object: ApiObject,
  refuse = (why: string) => undecodable(resource, why),
): void {
  try {
    resource.rules.decode?.(object);
  } catch (error) {
    throw error instanceof DecodeError ? refuse(error.message) : error;
  }
}

function nameCauses({ metadata }: ApiObject): Cause[] {
  if (metadata.name) return [];
  return [{
    reason: "FieldValueRequired",
    message: "Required value: name or generateName is required",
    field: "metadata.name",
  }];
}

function sameButMetadata(a: ApiObject, b: ApiObject): boolean {
  return canonical({ ...a, metadata: {} }) === canonical({ ...b, metadata: {} });
}

/** metav1.Time: whole seconds. */
function now(): string {
  return new Date().toISOString().replace(/\.\d+Z$/, "Z");
}
