import assert from "node:assert/strict";
import { Once } from "../../lib/observe/once.ts";

Deno.test("isNews() knows what was said, in whatever order, until it is forgotten", () => {
  const once = new Once();
  const said = ["a", "b", "a", "b"].filter((text) => once.isNews(text));
  assert.deepEqual(said, ["a", "b"]);
  once.forget();
  assert.ok(once.isNews("a"));
});

Deno.test("isNews() keeps no more than it must", () => {
  const once = new Once();
  for (let i = 0; i < 101; i++) assert.ok(once.isNews(`${i}`));
  assert.ok(!once.isNews("1"));
  assert.ok(once.isNews("0"), "the oldest was forgotten");
});
