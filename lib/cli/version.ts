import manifest from "../../deno.json" with { type: "json" };
import type { CliContext } from "./context.ts";

export const version: string = manifest.version;

/** `classvip version`. */
export function printVersion({ stdout }: CliContext): Promise<number> {
  stdout(`classvip ${version} (deno ${Deno.version.deno}, ${Deno.build.os} ${Deno.build.arch})`);
  return Promise.resolve(0);
}
