import { ConfigError } from "../config/errors.ts";
import type { LoadedConfig } from "../config/load.ts";
import type { EffectiveSetting } from "../config/resolve.ts";
import { configSchema } from "../config/schema.ts";
import type { CommandLine } from "./args.ts";
import { whyNotServed } from "../services/class_policy.ts";
import type { CheckedServices } from "./check_services.ts";
import type { CliContext } from "./context.ts";
import { alignColumns } from "./text.ts";

/**
 * Loads the settings, and checks what the Services in the files that are named ask for.
 *
 * @throws {ConfigError} with all that is wrong with both
 */
export async function checkedConfig(
  { readTextFile }: CliContext,
  { operands }: Pick<CommandLine, "operands">,
  load: () => Promise<LoadedConfig>,
): Promise<{ loaded: LoadedConfig; services: CheckedServices }> {
  const loaded = await load().catch((error) => {
    if (error instanceof ConfigError) return error;
    throw error;
  });
  const isWrong = loaded instanceof ConfigError;
  const instances = isWrong ? [] : loaded.config.instances;
  const { checkServices } = await import("./check_services.ts");
  const services = await checkServices(instances, operands, readTextFile);
  if (isWrong) throw new ConfigError([...loaded.problems, ...services.problems]);
  if (services.problems.length > 0) throw new ConfigError(services.problems);
  return { loaded, services };
}

/** `classvip config`: the effective settings with where each came from. */
export function printConfig(
  { stdout, stderr }: CliContext,
  { effective, warnings, config: { instances } }: LoadedConfig,
  output: "text" | "json",
  services: CheckedServices,
): Promise<number> {
  for (const warning of warnings) stderr(`warning: ${warning}`);
  stdout(
    output === "json"
      ? asJson(effective)
      : `${asTable(effective)}\n\n${verdict(instances, services)}`,
  );
  return Promise.resolve(0);
}

/** What was checked, and what was not: a class that is spelt wrong is nobody's. */
function verdict(
  instances: LoadedConfig["config"]["instances"],
  { count, passedOver }: CheckedServices,
): string {
  const right = [
    plural(instances.length, "instance"),
    ...count > 0 ? [plural(count, "Service")] : [],
  ];
  const lines = passedOver.slice(0, MOST_NAMED).map((service) => {
    const reasons = new Set(instances.map((instance) => whyNotServed(instance, service)));
    return `  ${service.key}: ${[...reasons].join("; ")}`;
  });
  const more = passedOver.length - lines.length;
  return [
    `Nothing wrong with ${right.join(" and ")}`,
    ...lines.length > 0 ? [`Served by none of these instances: ${passedOver.length}`] : [],
    ...lines,
    ...more > 0 ? [`  and ${more} more`] : [],
  ].join("\n");
}

function plural(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? "" : "s"}`;
}

const MOST_NAMED = 20;

/** `classvip config --schema`: what the YAML file may say, for editors. */
export function printSchema(
  { stdout }: CliContext,
  { flags, problems, operands }: Pick<CommandLine, "flags" | "problems" | "operands">,
): number {
  const more = flags.map(({ flag, value }) => ({
    setting: flag,
    value,
    source: `flag --${flag}`,
    problem: "no flag beside --schema",
    right: "classvip config --schema alone",
  }));
  const words = operands.map((value) => ({
    setting: "command",
    value,
    source: "command line",
    problem: "a word too many",
    right: "classvip config --schema alone",
  }));
  const wrong = [...problems, ...more, ...words];
  if (wrong.length > 0) throw new ConfigError(wrong);
  stdout(JSON.stringify(configSchema(), undefined, 2));
  return 0;
}

function asTable(effective: readonly EffectiveSetting[]): string {
  const rows = effective.map(({ name, value, source }) => [`  ${name}`, value || "-", source]);
  const lines = alignColumns(rows);
  return effective.flatMap(({ instance }, i) => {
    const isFirst = i === 0 || effective[i - 1]!.instance !== instance;
    const title = instance === undefined ? "process" : `instance ${instance}`;
    return isFirst ? [`${i === 0 ? "" : "\n"}${title}`, lines[i]!] : [lines[i]!];
  }).join("\n");
}

function asJson(effective: readonly EffectiveSetting[]): string {
  const entriesOf = (wanted: string | undefined) =>
    Object.fromEntries(
      effective.filter(({ instance }) => instance === wanted)
        .map(({ name, value, source }) => [name, { value, source }]),
    );
  const instances = [...new Set(effective.flatMap(({ instance }) => instance ?? []))];
  return JSON.stringify(
    { process: entriesOf(undefined), instances: instances.map(entriesOf) },
    undefined,
    2,
  );
}
