import { leaseRules } from "./lease.ts";
import { endpointSliceRules, eventRules, namespaceRules, nodeRules } from "./plain_rules.ts";
import { serviceRules } from "./service.ts";
import type { Cause } from "./status.ts";

/** The part of ObjectMeta that the server itself reads or writes. */
export interface Metadata {
  name?: string;
  generateName?: string;
  namespace?: string;
  uid?: string;
  resourceVersion?: string;
  generation?: number;
  creationTimestamp?: string;
  deletionTimestamp?: string;
  deletionGracePeriodSeconds?: number;
  finalizers?: string[];
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
}

/** Any object of the API as it travels. */
export interface ApiObject {
  apiVersion?: string;
  kind?: string;
  metadata: Metadata;
  spec?: unknown;
  status?: unknown;
  [field: string]: unknown;
}

/** What is particular to one kind; kube-apiserver calls this its strategy. */
export interface Rules {
  /** Brings values into their canonical form. @throws {DecodeError} */
  decode?(object: ApiObject): void;
  /** Sets defaults and drops what a client may not set. */
  prepareForCreate?(object: ApiObject): void;
  prepareForUpdate?(object: ApiObject, old: ApiObject): void;
  prepareForStatusUpdate?(object: ApiObject, old: ApiObject): void;
  validate(object: ApiObject, old?: ApiObject): Cause[];
  validateStatus?(object: ApiObject): Cause[];
}

/** One row of the table of served resources. */
export interface Resource {
  /** "" is the core group. */
  group: string;
  plural: string;
  kind: string;
  namespaced: boolean;
  /** Has a /status subresource. */
  status: boolean;
  /** `metadata.generation` counts changes. */
  generation: boolean;
  /** PUT creates what is not there. */
  createOnUpdate: boolean;
  /** PUT without a resourceVersion overwrites. */
  unconditionalUpdate: boolean;
  /** DELETE answers with the object instead of a Status. */
  returnsDeleted: boolean;
  /** Fields for field selectors. */
  fields: Record<string, (object: ApiObject) => string>;
  rules: Rules;
}

const metadataFields: Resource["fields"] = {
  "metadata.name": ({ metadata }) => metadata.name ?? "",
  "metadata.namespace": ({ metadata }) => metadata.namespace ?? "",
};

const field = (section: string, name: string) => (object: ApiObject): string =>
  String((object[section] as Record<string, unknown> | undefined)?.[name] ?? "");

const common = {
  namespaced: true,
  status: false,
  generation: false,
  createOnUpdate: false,
  unconditionalUpdate: true,
  returnsDeleted: false,
  fields: metadataFields,
};

/** The resources of one server; allocators of addresses and ports belong to it. */
export function makeResources(): Resource[] {
  return [
    {
      ...common,
      group: "",
      plural: "services",
      kind: "Service",
      status: true,
      createOnUpdate: true,
      returnsDeleted: true,
      fields: {
        ...metadataFields,
        "spec.type": field("spec", "type"),
        "spec.clusterIP": field("spec", "clusterIP"),
      },
      rules: serviceRules(),
    },
    {
      ...common,
      group: "",
      plural: "events",
      kind: "Event",
      createOnUpdate: true,
      fields: {
        ...metadataFields,
        "involvedObject.kind": field("involvedObject", "kind"),
        "involvedObject.name": field("involvedObject", "name"),
        "involvedObject.namespace": field("involvedObject", "namespace"),
        "involvedObject.uid": field("involvedObject", "uid"),
        "reason": (object) => String(object.reason ?? ""),
        "type": (object) => String(object.type ?? ""),
      },
      rules: eventRules,
    },
    {
      ...common,
      group: "",
      plural: "nodes",
      kind: "Node",
      namespaced: false,
      status: true,
      rules: nodeRules,
    },
    {
      ...common,
      group: "",
      plural: "namespaces",
      kind: "Namespace",
      namespaced: false,
      status: true,
      returnsDeleted: true,
      rules: namespaceRules,
    },
    {
      ...common,
      group: "coordination.k8s.io",
      plural: "leases",
      kind: "Lease",
      createOnUpdate: true,
      unconditionalUpdate: false,
      rules: leaseRules,
    },
    {
      ...common,
      group: "discovery.k8s.io",
      plural: "endpointslices",
      kind: "EndpointSlice",
      generation: true,
      rules: endpointSliceRules,
    },
  ];
}
