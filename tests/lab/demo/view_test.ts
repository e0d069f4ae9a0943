import assert from "node:assert/strict";
import {
  type DemoState,
  drawing,
  screenLines,
  stepLines,
  tableLines,
  terminalSize,
  trafficLine,
} from "./view.ts";

const STATE: DemoState = {
  note: "The lease duration is 3 s",
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
    "CLASS        HOLDER  SERVICE         VIP          ON              STATUS",
    "public-prod  node-1  shop/web        10.77.0.100  node-1          10.77.0.100",
    "                     shop/mail       10.77.0.101  node-1, node-2  –",
    "(no class)   –       default/legacy  10.77.0.120  –               –",
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
  const outcome = "node-1 → node-2: gone after 0.03 s ".repeat(5).trim();
  const long = { ...STATE, steps: [{ atMs: 0, title: "x".repeat(200), outcome }] };
  for (const columns of [40, 80]) {
    const lines = screenLines(long, { columns, rows: 50 });
    assert.ok(Math.max(...lines.map((line) => line.length)) <= columns);
    const text = lines.join(" ").replaceAll(/\s+/g, " ");
    assert.ok(text.includes(outcome), text);
    assert.ok(text.includes(trafficLine(STATE.traffic!)), text);
  }
});

Deno.test("screenLines() leaves out early frames and steps where the rows are too few", () => {
  const steps = [1, 2, 3, 4, 5, 6].map((n) => ({ atMs: 0, title: `Step ${n}`, outcome: "done" }));
  const frames = ["f1", "f2", "f3", "f4", "f5", "f6"];
  const state = { ...STATE, steps, frames };
  const all = screenLines(state, { columns: 80, rows: 60 });
  for (let rows = 0; rows <= 60; rows++) {
    const lines = screenLines(state, { columns: 80, rows });
    assert.equal(lines.length, Math.min(rows, all.length));
    assert.deepEqual(lines.slice(0, 8), all.slice(0, Math.min(rows, 8)), "the table and traffic");
    if (rows >= 14) assert.match(lines.join("\n"), /f6\n.*done$/s);
  }
});

Deno.test("terminalSize() takes 0 for a size that nobody knows", () => {
  assert.deepEqual(terminalSize({ columns: 0, rows: 0 }), { columns: 80, rows: 24 });
  assert.deepEqual(terminalSize({ columns: 120, rows: 40 }), { columns: 120, rows: 40 });
});

Deno.test("drawing() draws over the screen before", () => {
  const size = { columns: 100, rows: 50 };
  const text = drawing(STATE, size);
  assert.ok(text.startsWith("\x1b[HCLASS"));
  assert.ok(text.endsWith("\x1b[K\r\n\x1b[J"));
  assert.equal(text.split("\r\n").length - 1, screenLines(STATE, size).length);
});
