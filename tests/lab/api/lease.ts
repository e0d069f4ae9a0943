import type { Lease } from "../../../lib/kube/types.ts";
import type { Rules } from "./resources.ts";
import { type Cause, DecodeError } from "./status.ts";
import { checkDnsSubdomain, invalidValue } from "./validation.ts";

const LAYOUT = "2006-01-02T15:04:05.000000Z07:00";

/** Leases, as in pkg/apis/coordination/validation of Kubernetes 1.34. */
export const leaseRules: Rules = {
  decode(object) {
    const spec = (object.spec ?? {}) as NonNullable<Lease["spec"]>;
    for (const name of ["acquireTime", "renewTime"] as const) {
      if (spec[name] !== undefined) spec[name] = microTime(spec[name]);
    }
    for (const name of ["leaseDurationSeconds", "leaseTransitions"] as const) {
      const value: unknown = spec[name];
      if (value === undefined || Number.isInteger(value)) continue;
      const what = typeof value === "number" ? `number ${value}` : typeof value;
      throw new DecodeError(
        `json: cannot unmarshal ${what} into Go struct field LeaseSpec.spec.${name} of type int32`,
      );
    }
    object.spec = spec;
  },

  validate(object) {
    const causes: Cause[] = checkDnsSubdomain("metadata.name", object.metadata.name ?? "");
    const { leaseDurationSeconds: duration, leaseTransitions: transitions } = object
      .spec as NonNullable<Lease["spec"]>;
    if (duration !== undefined && duration <= 0) {
      causes.push(invalidValue("spec.leaseDurationSeconds", duration, "must be greater than 0"));
    }
    if (transitions !== undefined && transitions < 0) {
      const message = "must be greater than or equal to 0";
      causes.push(invalidValue("spec.leaseTransitions", transitions, message));
    }
    return causes;
  },
};

/** A MicroTime: exactly six digits behind the second, or it is refused; kept in UTC. */
function microTime(text: string): string {
  const match = text.match(/^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(.*)$/);
  const fraction = (match?.[2] ?? "").match(/^\.(\d{6})(Z|[+-]\d\d:\d\d)$/);
  if (!match || !fraction) {
    const [rest, part] = match ? [match[2], ".000000"] : [text, "2006"];
    throw new DecodeError(
      `parsing time "${text}" as "${LAYOUT}": cannot parse "${rest}" as "${part}"`,
    );
  }
  const seconds = new Date(`${match[1]}${fraction[2]}`).toISOString().slice(0, 19);
  return `${seconds}.${fraction[1]}Z`;
}
