import { ConfigError } from "../config/errors.ts";
import type { LoadedConfig } from "../config/load.ts";
import type { EffectiveSetting } from "../config/resolve.ts";
import { configSchema } from "../config/schema.ts";
import type { CommandLine } from "./args.ts";
import type { CliContext } from "./context.ts";
import { alignColumns } from "./text.ts";

/** `classvip config`: the effective settings with where each came from. */
export function printConfig(
  { stdout, stderr }: CliContext,
  { effective, warnings }: LoadedConfig,
  output: "text" | "json",
): Promise<number> {
  for (const warning of warnings) stderr(`warning: ${warning}`);
  stdout(output === "json" ? asJson(effective) : asTable(effective));
  return Promise.resolve(0);
}

/** `classvip config --schema`: what the YAML file may say, for editors. */
export function printSchema(
  { stdout }: CliContext,
  { flags, problems }: Pick<CommandLine, "flags" | "problems">,
): number {
  const more = flags.map(({ flag, value }) => ({
    setting: flag,
    value,
    source: `flag --${flag}`,
    problem: "no flag beside --schema",
    right: "classvip config --schema alone",
  }));
  if (problems.length + more.length > 0) throw new ConfigError([...problems, ...more]);
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
