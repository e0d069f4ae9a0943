import assert from "node:assert/strict";
import {
  type DemoState,
  drawing,
  screenLines,
  stepLines,
  tableLines,
  trafficLine,
} from "./view.ts";

const STATE: DemoState = {
  classes: [
    {
      name: "public-prod",
      holder: "node-1",
      services: [
        { name: "shop/web", vip: "10.77.0.100", nodes: ["node-1"], status: "10.77.0.100" },
        { name: "shop/mail", vip: "10.77.0.101", nodes: ["node-1", "node-2"], status: undefined },
      ],
    },
    {
      name: "(no class)",
      holder: undefined,
      services: [{ name: "default/legacy", vip: "10.77.0.120", nodes: [], status: undefined }],
    },
  ],
  frames: ["1.00 s node-1: 10.77.0.100"],
  traffic: { attempts: 9, failures: 1, longestGapMs: 84, answers: { "node-2": 3, "node-1": 5 } },
  steps: [{ atMs: 1500, title: "Start" }],
};

Deno.test("tableLines() shows each class once, and every node that has a VIP", () => {
  assert.deepEqual(tableLines(STATE.classes), [
    "CLASS          HOLDER     SERVICE              VIP           ON                   STATUS",
    "public-prod    node-1     shop/web             10.77.0.100   node-1               10.77.0.100",
    "                          shop/mail            10.77.0.101   node-1, node-2       –",
    "(no class)     –          default/legacy       10.77.0.120   –                    –",
  ]);
});

Deno.test("stepLines() tells a running, a good and a failed step apart", () => {
  const step = { atMs: 1500, title: "Crash" };
  assert.deepEqual(stepLines(step), ["  1.50 s … Crash"]);
  assert.deepEqual(
    stepLines({ ...step, outcome: "moved", ok: true }),
    ["  1.50 s ✓ Crash", "           moved"],
  );
  assert.equal(stepLines({ ...step, outcome: "lost", ok: false })[0], "  1.50 s ✗ Crash");
});

Deno.test("trafficLine() counts answers by node", () => {
  assert.equal(
    trafficLine(STATE.traffic!),
    "9 connections, 1 failed, longest gap 0.08 s (node-1 5, node-2 3)",
  );
});

Deno.test("screenLines() keeps within the columns", () => {
  const long = { ...STATE, steps: [{ atMs: 0, title: "x".repeat(200) }] };
  for (const columns of [40, 100]) {
    assert.equal(Math.max(...screenLines(long, columns).map((line) => line.length)), columns);
  }
});

Deno.test("drawing() draws over the screen before", () => {
  const text = drawing(STATE, { columns: 100, rows: 50 });
  assert.ok(text.startsWith("\x1b[HCLASS"));
  assert.ok(text.endsWith("\x1b[K\r\n\x1b[J"));
  assert.equal(text.split("\r\n").length - 1, screenLines(STATE, 100).length);
});

Deno.test("drawing() leaves out the upper lines where the rows are too few", () => {
  const text = drawing(STATE, { columns: 100, rows: 2 });
  assert.deepEqual(text.split("\x1b[K\r\n"), ["\x1b[H", "  1.50 s … Start", "\x1b[J"]);
});
