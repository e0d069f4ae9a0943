import type { ApiObject, Resource } from "./resources.ts";
import { badRequest } from "./status.ts";

export type Predicate = (object: ApiObject) => boolean;

/**
 * Compiles a label selector: equality (`a=b`, `a==b`, `a!=b`), sets (`a in (b,c)`, `a notin (b)`)
 * and existence (`a`, `!a`).
 *
 * @throws {StatusError} 400 when it cannot be read.
 */
export function labelSelector(text: string): Predicate {
  const tests = splitRequirements(text).map((requirement): (labels: Labels) => boolean => {
    const set = requirement.match(/^([^\s!=,()]+)\s+(in|notin)\s*\(([^()]*)\)$/);
    if (set) {
      const [, key, operator, list] = set;
      const values = list!.split(",").map((value) => value.trim());
      return operator === "in"
        ? (labels) => labels[key!] !== undefined && values.includes(labels[key!]!)
        : (labels) => labels[key!] === undefined || !values.includes(labels[key!]!);
    }
    const equality = requirement.match(/^([^\s!=,()]+)\s*(=|==|!=)\s*([^\s!=,()]*)$/);
    if (equality) {
      const [, key, operator, value] = equality;
      return operator === "!="
        ? (labels) => labels[key!] !== value
        : (labels) => labels[key!] === value;
    }
    const existence = requirement.match(/^(!?)\s*([^\s!=,()]+)$/);
    if (!existence) throw badRequest(`unable to parse requirement: found '${requirement}'`);
    const [, not, key] = existence;
    return (labels) => (labels[key!] !== undefined) === (not === "");
  });
  return ({ metadata }) => tests.every((test) => test(metadata.labels ?? {}));
}

type Labels = Record<string, string>;

/**
 * Compiles a field selector (`a=b`, `a==b`, `a!=b`, joined by commas).
 *
 * @throws {StatusError} 400 when it cannot be read or names a field that cannot be selected by.
 */
export function fieldSelector(text: string, resource: Resource): Predicate {
  const tests = text.split(",").filter(Boolean).map((requirement) => {
    const match = requirement.match(/^([^!=]+)(=|==|!=)(.*)$/);
    if (!match) {
      throw badRequest(`invalid selector: '${text}'; can't understand '${requirement}'`);
    }
    const [, field, operator, value] = match;
    const read = resource.fields[field!];
    if (!read) {
      throw badRequest(
        resource.group
          ? `"${field}" is not a known field selector: only "metadata.name", "metadata.namespace"`
          : `field label not supported: ${field}`,
      );
    }
    return (object: ApiObject) => (read(object) === value) === (operator !== "!=");
  });
  return (object) => tests.every((test) => test(object));
}

/** The one name that a field selector asks for; RBAC's `resourceNames` are checked against it. */
export function selectedName(text: string): string | undefined {
  return text.split(",").map((part) => part.match(/^metadata\.name==?(.+)$/)?.[1]).find(Boolean);
}

/** Splits at the commas that are not between parentheses. */
function splitRequirements(text: string): string[] {
  if (text.split("(").length !== text.split(")").length) {
    throw badRequest("unable to parse requirement: found '', expected: ',' or ')'");
  }
  return (text.match(/(?:\([^()]*\)|[^,()])+/g) ?? []).map((part) => part.trim()).filter(Boolean);
}
