import manifest from "../deno.json" with { type: "json" };

/** The release, from deno.json. */
export const VERSION: string = manifest.version;
