import assert from "node:assert/strict";
import { addTally, tallyJunit } from "../../tools/junit.ts";
import { kindOf, parseRequest, sanitizerOptions } from "../../tools/test.ts";

Deno.test("tallyJunit() counts passed, failed and skipped test cases", () => {
  const report = `<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="deno test" tests="4" failures="1" errors="0" time="0.096">
    <testsuite name="./a_test.ts" tests="4" disabled="1" errors="0" failures="1">
        <testcase name="says &lt;failure" classname="./a_test.ts" time="0.000" line="1" col="6">
        </testcase>
        <testcase name="b" classname="./a_test.ts" time="0.000" line="2" col="6">
            <skipped/>
        </testcase>
        <testcase name="c" classname="./a_test.ts" time="0.002" line="3" col="6">
            <failure message="Uncaught Error: x &lt;testcase name=">at a_test.ts:3:34</failure>
        </testcase>
        <testcase name="c &gt; step" classname="./a_test.ts" time="0.000" line="4" col="43">
        </testcase>
    </testsuite>
</testsuites>`;
  assert.deepEqual(tallyJunit(report), { passed: 2, failed: 1, skipped: 1 });
  assert.deepEqual(tallyJunit(""), { passed: 0, failed: 0, skipped: 0 });
});

Deno.test("addTally() sums", () => {
  const a = { passed: 1, failed: 2, skipped: 3 };
  assert.deepEqual(addTally(a, a), { passed: 2, failed: 4, skipped: 6 });
});

Deno.test("parseRequest() tells kinds, paths, options and names apart", () => {
  assert.deepEqual(parseRequest([]), {
    kinds: ["unit", "lab", "cluster"],
    paths: [],
    options: [],
  });
  assert.deepEqual(
    parseRequest(["--only=lab", "./tests/net", "tests/a_test.ts", "--fail-fast", "takes over"]),
    {
      kinds: ["lab"],
      paths: ["tests/net", "tests/a_test.ts"],
      options: ["--fail-fast", "--filter=takes over"],
    },
  );
});

Deno.test("kindOf() goes by folder and name", () => {
  assert.equal(kindOf("tests/net/arp_test.ts"), "unit");
  assert.equal(kindOf("tests/lab/api/store_test.ts"), "unit");
  assert.equal(kindOf("tests/lab/agent_lab_test.ts"), "lab");
  assert.equal(kindOf("tests/cluster/rbac_test.ts"), "cluster");
});

Deno.test("sanitizerOptions() switches on what Deno 2.8 switched off", () => {
  assert.deepEqual(sanitizerOptions("2.6.10"), []);
  for (const version of ["2.8.0", "2.9.6", "2.10.0", "3.0.0"]) {
    assert.equal(sanitizerOptions(version).length, 2, version);
  }
});
