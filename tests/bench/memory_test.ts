import assert from "node:assert/strict";
import { parseResident } from "../../bench/memory.ts";

Deno.test("parseResident() reads kibibytes as MB", () => {
  const status = "Name:\tclassvip\nVmRSS:\t   70000 kB\nRssAnon:\t   20000 kB\n" +
    "RssFile:\t   50000 kB\nRssShmem:\t       0 kB\n";
  assert.deepEqual(parseResident(status), { totalMb: 71.68, anonymousMb: 20.48, fileMb: 51.2 });
});

Deno.test("parseResident() says what is missing", () => {
  assert.throws(() => parseResident("VmRSS:\t 1 kB\n"), /RssAnon/);
});
