import assert from "node:assert/strict";
import { reservedAddresses } from "../../lib/agent/reserved.ts";
import { FakeClock } from "../doubles/fake_clock.ts";
import { FakeNetwork } from "../doubles/fake_network.ts";
import { keepingLogger } from "../doubles/keeping_logger.ts";

Deno.test("reservedAddresses() keeps gateways, read anew behind a question", async () => {
  const clock = new FakeClock();
  const network = new FakeNetwork(clock);
  const logger = keepingLogger();
  network.routers = ["192.0.2.1"];
  const reserved = reservedAddresses({ fixed: [["10.0.0.1", "fixed"]], network, clock, logger });
  const gateway = "a gateway of this node";
  assert.deepEqual([...reserved()], [["192.0.2.1", gateway], ["10.0.0.1", "fixed"]]);
  network.routers = ["192.0.2.2"];
  await clock.advance(29_999);
  reserved();
  await Promise.resolve();
  assert.ok(reserved().has("192.0.2.1"));
  await clock.advance(1);
  assert.ok(reserved().has("192.0.2.1"), "nobody waits for the kernel");
  await Promise.resolve();
  assert.deepEqual([...reserved().keys()], ["192.0.2.2", "10.0.0.1"]);

  network.silent = true;
  await clock.advance(30_000);
  reserved();
  await Promise.resolve();
  assert.ok(reserved().has("192.0.2.2"));
  assert.match(logger.lines[0]!.message, /could not read the gateways/);
});

Deno.test("reservedAddresses() knows an IPv6 address however it is written", () => {
  const clock = new FakeClock();
  const network = new FakeNetwork(clock);
  const fixed = [["[FD00:0::1]", "the API server's address"], ["api.example", "a name"]] as const;
  const reserved = reservedAddresses({ fixed, network, clock, logger: keepingLogger() });
  assert.deepEqual([...reserved().keys()], ["fd00::1", "api.example"]);
});
