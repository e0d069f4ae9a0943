import assert from "node:assert/strict";
import { NotifySocket, watchdogMs } from "../../lib/sys/sd_notify.ts";
import { NotifyReceiver } from "../lab/notify_receiver.ts";

const DEADLINE_MS = 30_000;

using opener = new NotifySocket("@");
opener.send(""); // opens the C library for good, outside of any test

Deno.test("NotifySocket.send() reaches a path and an abstract name", async () => {
  const folder = await Deno.makeTempDir();
  try {
    for (const name of [`${folder}/notify`, `@classvip-test-${crypto.randomUUID()}`]) {
      await using receiver = new NotifyReceiver(name);
      using socket = new NotifySocket(name);
      assert.equal(socket.send("READY=1\nSTATUS=as it must be"), true);
      const state = await receiver.states.waitFor(() => true, DEADLINE_MS);
      assert.equal(state, "READY=1\nSTATUS=as it must be");
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("NotifySocket.send() says that nobody is there, and never waits", async () => {
  using socket = new NotifySocket("/no/such/socket");
  assert.equal(socket.send("READY=1"), false);
  const name = `@classvip-test-${crypto.randomUUID()}`;
  await using _deaf = new NotifyReceiver(name, { reads: false });
  using full = new NotifySocket(name);
  let sent = 0;
  while (full.send("WATCHDOG=1") && sent < 100_000) sent++;
  assert.ok(sent < 100_000, "the queue never fills");
});

Deno.test("NotifySocket() refuses what is no address", () => {
  assert.throws(() => new NotifySocket("vsock:2:1234"), /NOTIFY_SOCKET "vsock:2:1234" is neither/);
});

Deno.test("watchdogMs() counts only for the process that is meant", () => {
  assert.equal(watchdogMs({ WATCHDOG_USEC: "10000000" }, 7), 10_000);
  assert.equal(watchdogMs({ WATCHDOG_USEC: "10000000", WATCHDOG_PID: "7" }, 7), 10_000);
  assert.equal(watchdogMs({ WATCHDOG_USEC: "10000000", WATCHDOG_PID: "8" }, 7), undefined);
  for (const us of ["0", "-1", "x", ""]) {
    assert.equal(watchdogMs({ WATCHDOG_USEC: us }, 7), undefined);
  }
  assert.equal(watchdogMs({}, 7), undefined);
});
