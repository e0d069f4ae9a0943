import { VERSION } from "../version.ts";
import type { CliContext } from "./context.ts";

/** `classvip version`. */
export function printVersion({ stdout }: CliContext): Promise<number> {
  stdout(`classvip ${VERSION} (deno ${Deno.version.deno}, ${Deno.build.os} ${Deno.build.arch})`);
  return Promise.resolve(0);
}
