import type { LoadedConfig } from "../config/load.ts";
import type { CliContext } from "./context.ts";

/** `classvip release`. */
export function run(_context: CliContext, _loaded: LoadedConfig): Promise<number> {
  return Promise.reject(new Error("release is not there yet"));
}
