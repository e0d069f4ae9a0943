import assert from "node:assert/strict";
import { parseProcessorMs } from "../../bench/cpu.ts";

Deno.test("parseProcessorMs() adds user and kernel time, whatever the program is called", () => {
  const stat = "4711 (a ) (b) S 1 4711 4711 0 -1 4194560 100 0 0 0 250 50 9 9 20 0 12 0 123456 1";
  assert.equal(parseProcessorMs(stat), 3000);
});
