import assert from "node:assert/strict";
import { visible, visibleLines } from "../lib/visible.ts";

Deno.test("visible() leaves nothing that a terminal would obey", () => {
  const cases: [text: string, shown: string][] = [
    ["a b\tc ä 例 🦕", "a b\tc ä 例 🦕"],
    ["\x1b[31mred\x1b]0;title\x07", "\\u001b[31mred\\u001b]0;title\\u0007"],
    ["one\ntwo\rthree\0", "one\\ntwo\\u000dthree\\u0000"],
    ["\x7f\x9b2J", "\\u007f\\u009b2J"],
    ["\u2028\u202efdp.exe\u2066", "\\u2028\\u202efdp.exe\\u2066"],
  ];
  for (const [text, shown] of cases) assert.equal(visible(text), shown);
  assert.equal(visibleLines("one\ntwo\r\n"), "one\ntwo\\u000d\n");
});
