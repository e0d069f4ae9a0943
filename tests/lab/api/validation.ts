import type { Cause } from "./status.ts";

// The messages are those of k8s.io/apimachinery/pkg/util/validation 0.34.
const ALPHANUMERIC = "must start and end with an alphanumeric character";

export function invalidValue(field: string, value: unknown, message: string): Cause {
  return {
    reason: "FieldValueInvalid",
    message: `Invalid value: ${JSON.stringify(value ?? null)}: ${message}`,
    field,
  };
}

export function required(field: string, message?: string): Cause {
  return {
    reason: "FieldValueRequired",
    message: message ? `Required value: ${message}` : "Required value",
    field,
  };
}

export function forbidden(field: string, message: string): Cause {
  return { reason: "FieldValueForbidden", message: `Forbidden: ${message}`, field };
}

export function unsupported(field: string, value: unknown, supported: string[]): Cause {
  const list = supported.map((item) => `"${item}"`).join(", ");
  return {
    reason: "FieldValueNotSupported",
    message: `Unsupported value: ${JSON.stringify(value)}: supported values: ${list}`,
    field,
  };
}

/** A Service's name (RFC 1035 label). */
export function checkDnsLabel1035(field: string, name: string): Cause[] {
  if (name.length <= 63 && /^[a-z]([-a-z0-9]*[a-z0-9])?$/.test(name)) return [];
  if (name.length > 63) return [invalidValue(field, name, "must be no more than 63 characters")];
  return [invalidValue(
    field,
    name,
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an " +
      "alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or " +
      "'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')",
  )];
}

/** A namespace's name (RFC 1123 label). */
export function checkDnsLabel1123(field: string, name: string): Cause[] {
  if (name.length > 63) return [invalidValue(field, name, "must be no more than 63 characters")];
  if (/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(name)) return [];
  return [invalidValue(
    field,
    name,
    `a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and ` +
      `${ALPHANUMERIC} (e.g. 'my-name',  or '123-abc', regex used for validation is ` +
      `'[a-z0-9]([-a-z0-9]*[a-z0-9])?')`,
  )];
}

/** Most names (RFC 1123 subdomain). */
export function checkDnsSubdomain(field: string, name: string): Cause[] {
  if (name.length > 253) return [invalidValue(field, name, "must be no more than 253 characters")];
  if (/^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/.test(name)) return [];
  return [invalidValue(
    field,
    name,
    `a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or ` +
      `'.', and ${ALPHANUMERIC} (e.g. 'example.com', regex used for validation is ` +
      String.raw`'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')`,
  )];
}

/** A class or label key: an optional DNS prefix, a slash, and a name. */
export function checkQualifiedName(field: string, value: string): Cause[] {
  const parts = value.split("/");
  const pattern = `${ALPHANUMERIC} (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for ` +
    `validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')`;
  const characters = `must consist of alphanumeric characters, '-', '_' or '.', and ${pattern}`;
  if (parts.length > 2) {
    const prefix = " with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')";
    return [invalidValue(field, value, `a qualified name ${characters}${prefix}`)];
  }
  const causes: Cause[] = [];
  const name = parts.at(-1)!;
  if (parts.length === 2) {
    if (parts[0] === "") causes.push(invalidValue(field, value, "prefix part must be non-empty"));
    else if (checkDnsSubdomain(field, parts[0]!).length > 0) {
      const why = checkDnsSubdomain(field, parts[0]!)[0]!.message.replace(
        /^Invalid value: .*?: /,
        "",
      );
      causes.push(invalidValue(field, value, `prefix part ${why}`));
    }
  }
  if (name === "") causes.push(invalidValue(field, value, "name part must be non-empty"));
  else if (name.length > 63) {
    causes.push(invalidValue(field, value, "name part must be no more than 63 characters"));
  }
  if (!/^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/.test(name)) {
    causes.push(invalidValue(field, value, `name part ${characters}`));
  }
  return causes;
}
