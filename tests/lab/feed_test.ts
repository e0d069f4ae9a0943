import assert from "node:assert/strict";
import { Feed } from "./feed.ts";

Deno.test("Feed.waitFor() finds what came already, and waits for what comes", async () => {
  const feed = new Feed<number>();
  feed.push(1);
  assert.equal(await feed.waitFor((n) => n === 1, 10), 1);
  const later = feed.waitFor((n) => n > 1, 1000);
  feed.push(2);
  assert.equal(await later, 2);
  assert.equal(await feed.waitFor((n) => n > 0, 10, 1), 2);
});

Deno.test("Feed.waitFor() fails after its deadline, and shows what came instead", async () => {
  const feed = new Feed<number>();
  feed.push(7);
  await assert.rejects(feed.waitFor((n) => n === 1, 5), /within 5 ms[^]*\n7/);
});

Deno.test("Feed.end() fails those who wait and those who come later", async () => {
  const feed = new Feed<number>();
  const waiting = feed.waitFor(() => true, 1000);
  feed.end("gone");
  await assert.rejects(waiting, /gone/);
  await assert.rejects(feed.waitFor(() => true, 1000), /gone/);
});
