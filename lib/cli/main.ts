import { ConfigError, describeProblem } from "../config/errors.ts";
import type { LoadedConfig } from "../config/load.ts";
import { visible, visibleLines } from "../visible.ts";
import { type CommandLine, type CommandName, parseCommandLine } from "./args.ts";
import type { CliContext } from "./context.ts";
import { EXIT, exitCodeOf } from "./exit_code.ts";

type Command = (context: CliContext, line: CommandLine) => Promise<number>;

/** Imported when chosen: `version` and `help` must not wait for what `run` needs. */
const commands: Readonly<Record<CommandName, Command>> = {
  run: async (context, line) => {
    // It would end the process before somebody listens: what it asks for is being done just now.
    const ignore = () => {};
    Deno.addSignalListener("SIGHUP", ignore);
    try {
      const loaded = await load(context, line);
      return await (await import("./run.ts")).run(context, loaded, () => load(context, line));
    } finally {
      Deno.removeSignalListener("SIGHUP", ignore);
    }
  },
  classes: async (context, line) =>
    await (await import("./classes.ts")).run(context, await load(context, line), line.output),
  handover: async (context, line) =>
    await (await import("./handover.ts")).run(context, await load(context, line), line.to!),
  release: async (context, line) => {
    const loaded = await load(context, line);
    return await (await import("./release.ts")).run(context, loaded);
  },
  config: async (context, line) => {
    if (line.schema) return (await import("./config.ts")).printSchema(context, line);
    const { checkedConfig, printConfig } = await import("./config.ts");
    const { loaded, services } = await checkedConfig(context, line, () => load(context, line));
    return await printConfig(context, loaded, line.output, services);
  },
  manifest: async (context, line) => {
    const { manifestKindOf, podNamespaceOf, printManifest } = await import("./manifest.ts");
    const kind = manifestKindOf(line);
    const place = podNamespaceOf(kind, line);
    const loaded = await load(
      place ? { ...context, env: { ...context.env, POD_NAMESPACE: place } } : context,
      { ...line, problems: [...line.problems, ...kind.problems] },
    );
    return printManifest(context, kind.kind!, loaded, line);
  },
  migrate: async (context, line) => await (await import("./migrate.ts")).migrate(context, line),
  version: async (context, { problems }) => {
    if (problems.length > 0) throw new ConfigError(problems);
    return await (await import("./version.ts")).printVersion(context);
  },
  help: async (context, { problems }) => {
    if (problems.length > 0) throw new ConfigError(problems);
    return await (await import("./help.ts")).help(context);
  },
};

/**
 * Runs the command that the arguments name.
 *
 * @returns the exit code: see {@linkcode EXIT}.
 */
export async function runCli(context: CliContext): Promise<number> {
  let unwritten: unknown;
  // Where nobody can be told, what is to be done goes on: a release after a crash above all.
  const careful: CliContext = {
    ...context,
    stdout(text) {
      try {
        context.stdout(visibleLines(text));
      } catch (error) {
        unwritten ??= error;
      }
    },
    stderr(text) {
      try {
        context.stderr(visible(text));
      } catch {
        // The exit code still tells the kind.
      }
    },
  };
  const code = await perform(careful);
  if (unwritten === undefined) return code;
  careful.stderr(`classvip: the answer cannot be written: ${explain(unwritten)}`);
  return code === EXIT.ok || code === EXIT.mixUps ? EXIT.failed : code;
}

async function perform(context: CliContext): Promise<number> {
  try {
    const line = parseCommandLine(context.args);
    return await commands[line.command](context, line);
  } catch (error) {
    if (error instanceof ConfigError) {
      const count = error.problems.length;
      context.stderr(`classvip: ${count} wrong setting${count === 1 ? "" : "s"}`);
      for (const problem of error.problems) context.stderr(`  ${describeProblem(problem)}`);
      return EXIT.usage;
    }
    const lines = isFault(error) ? explain(error).split("\n") : [explain(error)];
    for (const [i, line] of lines.entries()) context.stderr(i === 0 ? `classvip: ${line}` : line);
    return exitCodeOf(error);
  }
}

async function load(context: CliContext, { flags, problems }: CommandLine): Promise<LoadedConfig> {
  const { loadConfig } = await import("../config/load.ts");
  const { env, isTerminal } = context;
  return await loadConfig({
    flags,
    problems,
    env,
    isTerminal,
    readTextFile: (path) => context.readTextFile(path),
    hostname: () => context.hostname(),
  });
}

/** A fault in the code keeps its stack; anything else is a sentence with its causes. */
function explain(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return isFault(error) ? error.stack ?? error.message : sentenceOf(error);
}

function isFault(error: unknown): boolean {
  return [TypeError, RangeError, ReferenceError, SyntaxError].some((type) => error instanceof type);
}

/** A cause may be any error: `fetch()` throws a TypeError where nobody listens. */
function sentenceOf({ message, cause }: Error): string {
  if (!(cause instanceof Error) || message.includes(cause.message)) return message;
  return `${message}: ${sentenceOf(cause)}`;
}
