// `@std/cli/parse-args` from an npm mirror: the same code, published without its types.
// @ts-types="./parse_args.d.ts"
export { parseArgs } from "npm:deno-std@1.4.0/cli/parse_args.js";
