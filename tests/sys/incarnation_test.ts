import assert from "node:assert/strict";
import { incarnation } from "../../lib/sys/incarnation.ts";

incarnation(); // opens the C library for good, outside of any test

Deno.test("incarnation() names the boot and the network namespace", () => {
  assert.match(incarnation(), /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\/[0-9]+$/);
  assert.equal(
    incarnation().split("/")[1],
    Deno.readLinkSync("/proc/self/ns/net").match(/\d+/)?.[0],
  );
});
