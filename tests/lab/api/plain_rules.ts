import type { ApiObject, Rules } from "./resources.ts";
import {
  checkDnsLabel1123,
  checkDnsSubdomain,
  invalidValue,
  required,
  unsupported,
} from "./validation.ts";

/** Events (core/v1), in their old form without `eventTime` series. */
export const eventRules: Rules = {
  validate(object) {
    const involved = (object.involvedObject ?? {}) as { namespace?: string };
    const causes = checkDnsSubdomain("metadata.name", object.metadata.name ?? "");
    // An object without a namespace is spoken of in the namespace "default".
    const expected = involved.namespace || "default";
    if (expected !== object.metadata.namespace) {
      const value = involved.namespace ?? "";
      causes.push(
        invalidValue("involvedObject.namespace", value, "does not match event.namespace"),
      );
    }
    return causes;
  },
};

export const nodeRules: Rules = {
  prepareForCreate(object) {
    object.spec ??= {};
    object.status ??= {};
  },
  prepareForUpdate: keepStatus,
  prepareForStatusUpdate: keepSpec,
  validate: (object) => checkDnsSubdomain("metadata.name", object.metadata.name ?? ""),
  validateStatus: () => [],
};

export const namespaceRules: Rules = {
  prepareForCreate(object) {
    const name = object.metadata.name ?? "";
    object.metadata.labels = { ...object.metadata.labels, "kubernetes.io/metadata.name": name };
    object.spec = { finalizers: ["kubernetes"] };
    object.status = { phase: "Active" };
  },
  prepareForUpdate(object, old) {
    keepStatus(object, old);
    keepSpec(object, old);
  },
  prepareForStatusUpdate: keepSpec,
  validate: (object) => checkDnsLabel1123("metadata.name", object.metadata.name ?? ""),
  validateStatus: () => [],
};

export const endpointSliceRules: Rules = {
  validate(object, old) {
    const { addressType } = object as { addressType?: string };
    const causes = checkDnsSubdomain("metadata.name", object.metadata.name ?? "");
    const supported = ["FQDN", "IPv4", "IPv6"];
    if (!addressType) causes.push(required("addressType"));
    else if (!supported.includes(addressType)) {
      causes.push(unsupported("addressType", addressType, supported));
    } else if (old && old.addressType !== addressType) {
      causes.push(invalidValue("addressType", addressType, "field is immutable"));
    }
    return causes;
  },
};

function keepStatus(object: ApiObject, old: ApiObject): void {
  object.status = old.status;
}

function keepSpec(object: ApiObject, old: ApiObject): void {
  object.spec = old.spec;
}
