import type { ClassesReport, InstanceReport, Said } from "./classes_report.ts";
import type { MixUp } from "../classes/mix_ups.ts";
import { alignColumns } from "./text.ts";

const HEAD = [
  "INSTANCE",
  "CLASS",
  "LEASE",
  "HOLDER",
  "ALIVE",
  "PRIORITY",
  "NAMESPACES",
  "SERVED",
  "PENDING",
  "POOLS (USED/SIZE)",
];
const ALIVE = { alive: "yes", dead: "no", unknown: "?" } as const;

/** The report for people: a table, then each finding with what to do, then hints. */
export function describeReport({ instances, findings, warnings, hints }: ClassesReport): string {
  const table = instances.length === 0
    ? ["There is no Lease of classvip in this cluster: no instance has run yet"]
    : alignColumns([HEAD, ...instances.map(row)]);
  return [
    ...table,
    "",
    findings.length === 0 ? "No mix-ups found" : `Mix-ups found: ${findings.length}`,
    ...findings.flatMap(describe),
    ...section("Further warnings of the last hour:", warnings.flatMap(describe)),
    ...section("Hints:", hints.map((hint) => `  ${hint}`)),
  ].join("\n");
}

function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : ["", title, ...lines];
}

function row(one: InstanceReport): string[] {
  const none = one.class === null ? "(none)" : one.alsoClassless ? ", (none)" : "";
  return [
    one.instance,
    `${one.class ?? ""}${none}`,
    one.lease,
    one.holder ?? "-",
    ALIVE[one.life],
    one.holder === null ? "-" : String(one.priority ?? "-"),
    one.namespaces.join(",") || "all",
    String(one.served),
    String(one.pending),
    one.pools.map(({ addresses, used, size }) => `${addresses} (${used}/${size})`).join(", ") ||
    "-",
  ];
}

function describe(one: MixUp | Said): string[] {
  const { kind, object, message } = one;
  const title = `  ${kind}: ${object.kind} ${object.namespace}/${object.name}`;
  return "advice" in one
    ? [title, `    ${message}`, `    What to do: ${one.advice}`]
    : [`${title} (said ${age(one.secondsAgo)} ago)`, `    ${message}`];
}

function age(seconds: number): string {
  return seconds < 120 ? `${seconds} s` : `${Math.round(seconds / 60)} min`;
}
