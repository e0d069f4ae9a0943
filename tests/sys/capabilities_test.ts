import assert from "node:assert/strict";
import { missingCapabilities, missingIn } from "../../lib/sys/capabilities.ts";

missingCapabilities(); // opens the C library for good, outside of any test

Deno.test("missingIn() looks at the effective capabilities", () => {
  const status = (mask: string) => `CapPrm:\t000001ffffffffff\nCapEff:\t${mask}\nCapBnd:\t0\n`;
  assert.deepEqual(missingIn(status("000001ffffffffff")), []);
  assert.deepEqual(missingIn(status("0000000000003000")), []);
  assert.deepEqual(missingIn(status("0000000000001000")), ["CAP_NET_RAW"]);
  assert.deepEqual(missingIn(status("0000000000002000")), ["CAP_NET_ADMIN"]);
  assert.deepEqual(missingIn(status("0000000000000000")), ["CAP_NET_ADMIN", "CAP_NET_RAW"]);
});

Deno.test("missingCapabilities() reads this process's own", () => {
  const status = Deno.readTextFileSync("/proc/self/status");
  assert.deepEqual(missingCapabilities(), missingIn(status));
});
