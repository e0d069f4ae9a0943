import type { LoadedConfig } from "../config/load.ts";
import type { CliContext } from "./context.ts";

/** `classvip run`. */
export function run(_context: CliContext, _loaded: LoadedConfig): Promise<number> {
  return Promise.reject(new Error("run is not there yet"));
}
