import assert from "node:assert/strict";
import { checkLines, table } from "../../bench/table.ts";

Deno.test("table() shows bounds, verdicts and ratios, figures at the right", () => {
  const common = { part: "peers", what: "SIGTERM", unit: "ms" } as const;
  assert.deepEqual(
    table([
      { ...common, subject: "classvip", samples: [20, 24], bound: { median: 25, p99: 23 } },
      { ...common, subject: "other", samples: Array(100).fill(2200) },
    ]),
    [
      "part   measured  of          n   median  p99 (max)  bound" +
      "                                  × classvip",
      "peers  SIGTERM   classvip    2  22.0 ms  (24.0 ms)  " +
      "median ≤ 25.0 ms, p99 ≤ 23.0 ms  MISS",
      "peers  SIGTERM   other     100   2.20 s     2.20 s" + " ".repeat(45) + "100.00",
    ],
  );
});

Deno.test("checkLines() says what failed", () => {
  assert.deepEqual(
    checkLines([
      { part: "crash", what: "order", ok: true, detail: "0 of 5" },
      { part: "load", what: "rate", ok: false, detail: "9 in 10 s" },
    ]),
    ["ok    crash  order  0 of 5", "FAIL  load   rate   9 in 10 s"],
  );
});
