import type { Plan, Plans } from "../agent/instances.ts";
import { strandedInstances, unready } from "../agent/interface_problem.ts";
import { ConfigError, describeProblem } from "../config/errors.ts";
import type { ProcessConfig } from "../config/instance.ts";
import type { FileOrigin, LoadedConfig } from "../config/load.ts";
import type { Clock } from "../election/clock.ts";
import type { Link } from "../net/link.ts";
import type { Logger } from "../observe/logger.ts";

/** From one look at the file to the next. A ConfigMap takes a minute to get to the node anyway. */
const LOOK_MS = 500;

export interface ReloadParts {
  /** What runs now. */
  readonly first: LoadedConfig;
  readonly readTextFile: (path: string) => Promise<string>;
  /** Loads all settings once more. @throws {ConfigError} */
  readonly load: () => Promise<LoadedConfig>;
  /** Reads the keys of beacons. @throws {ConfigError} */
  readonly loadKeys: (config: ProcessConfig) => Promise<Plan["keys"]>;
  /** A plan was taken over, or refused. */
  readonly reloaded: (ok: boolean) => void;
  readonly adjustProcess: (config: ProcessConfig) => void;
  /** The interfaces of this node. */
  readonly links: () => readonly Link[];
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * The plans that a settings file says one after another. It is read, not watched: that holds for
 * editors that replace it, for ConfigMaps (whose `..data` link is swapped), and for network file
 * systems alike. A plan that is wrong is refused as a whole, and the old one goes on; so is one that
 * lost its instances: it would mean one of no class. One that moves an instance to an interface that
 * this node does not have waits for it.
 */
export class FilePlans implements Plans {
  readonly #parts: ReloadParts;
  readonly #file: FileOrigin;
  #running: ProcessConfig;
  /** What the plan was made of, or was refused for. */
  #taken: string;
  /** Names of interfaces that the last plan was refused for. */
  #awaited: readonly string[] = [];
  #wake = new AbortController();
  #asked = false;

  /** @param parts.first.file must be there */
  constructor(parts: ReloadParts) {
    this.#parts = parts;
    this.#file = parts.first.file!;
    this.#taken = parts.first.file!.text;
    this.#running = parts.first.config;
  }

  /** Reads the file now, whether it changed or not: SIGHUP. */
  reload(): void {
    this.#asked = true;
    this.#wake.abort();
  }

  async next(signal: AbortSignal): Promise<Plan | undefined> {
    const abort = () => this.#wake.abort();
    signal.addEventListener("abort", abort);
    using _ = { [Symbol.dispose]: () => signal.removeEventListener("abort", abort) };
    while (await this.#changed(signal)) {
      const plan = await this.#load();
      if (plan !== undefined) return plan;
    }
    return undefined;
  }

  /** @returns whether there is something to load; false: the signal aborted */
  async #changed(signal: AbortSignal): Promise<boolean> {
    const { clock } = this.#parts;
    let before: string | undefined;
    while (!signal.aborted) {
      this.#wake = new AbortController();
      if (!this.#asked) await clock.until(clock.nowMs() + LOOK_MS, this.#wake.signal);
      if (signal.aborted) break;
      const now = await this.#read();
      // Twice the same: nobody is in the middle of writing it.
      if (this.#asked || now !== this.#taken && now === before || this.#isAwaitedReady()) {
        this.#asked = false;
        this.#taken = now;
        return true;
      }
      before = now;
    }
    return false;
  }

  /** @returns the text; where it cannot be read, something that no file says */
  async #read(): Promise<string> {
    return await this.#parts.readTextFile(this.#file.path).catch((error) => `\0${error}`);
  }

  async #load(): Promise<Plan | undefined> {
    const { load, loadKeys, reloaded, logger } = this.#parts;
    this.#awaited = [];
    try {
      const loaded = await load();
      const { config, warnings, file } = loaded;
      this.#refuseCutShort(file!);
      this.#refuseStranded(loaded);
      const keys = await loadKeys(config);
      for (const warning of warnings) logger.warn(warning);
      this.#taken = file?.text ?? this.#taken;
      this.#adjustProcess(config);
      reloaded(true);
      return { instances: config.instances, keys };
    } catch (error) {
      reloaded(false);
      const problems = error instanceof ConfigError ? error.problems : [];
      logger.error("the settings are refused, those from before go on", {
        config: this.#file.path,
        ...(problems.length > 0 ? { wrong: problems.length } : { error }),
      });
      for (const problem of problems) {
        logger.error("wrong setting", { reason: describeProblem(problem) });
      }
      return undefined;
    }
  }

  /** @throws {ConfigError} when the file lost what the instances were made of */
  #refuseCutShort({ path, listsInstances }: FileOrigin): void {
    if (!this.#file.listsInstances || listsInstances) return;
    const right = "`instances:` with those that are to run; without it after a restart alone";
    throw new ConfigError([{
      setting: "instances",
      value: undefined,
      source: `file ${path}`,
      problem: "the file lists no instances any more",
      right,
    }]);
  }

  /** @throws {ConfigError} when instances would leave an interface for one that cannot serve */
  #refuseStranded({ config, effective }: LoadedConfig): void {
    const stranded = strandedInstances(
      this.#running.instances,
      config.instances,
      this.#parts.links(),
    );
    if (stranded.length === 0) return;
    this.#awaited = stranded.map(({ config }) => config.interface);
    throw new ConfigError(
      stranded.map(({ config: { name, interface: value }, problem, right }) => ({
        setting: "interface",
        value,
        source: effective.find((one) => one.instance === name && one.name === "interface")!.source,
        problem: `${problem}, instance ${name} would withdraw its VIPs for it`,
        right: `${right}; as soon as ${value} is ready the plan is taken over by itself`,
      })),
    );
  }

  #isAwaitedReady(): boolean {
    if (this.#awaited.length === 0) return false;
    try {
      const links = this.#parts.links();
      return this.#awaited.some((name) => unready(name, links) === undefined);
    } catch {
      return false;
    }
  }

  #adjustProcess(config: ProcessConfig): void {
    const { adjustProcess, logger } = this.#parts;
    adjustProcess(config);
    const settings = (Object.keys(config) as (keyof ProcessConfig)[])
      .filter((key) => !["instances", "logLevel", "httpAddressChosen"].includes(key))
      .filter((key) => config[key] !== this.#running[key]);
    this.#running = { ...this.#running, instances: config.instances };
    if (settings.length === 0) return;
    logger.warn("some settings of the process need a restart: those from before go on", {
      settings,
    });
  }
}
