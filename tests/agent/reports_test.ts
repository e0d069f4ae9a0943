import assert from "node:assert/strict";
import { InstanceReports } from "../../lib/agent/reports.ts";
import { KubeError } from "../../lib/kube/errors.ts";
import type { KubeObject } from "../../lib/kube/types.ts";
import { createMetrics } from "../../lib/observe/metrics.ts";
import type { Refusal } from "../../lib/services/decide.ts";
import { parseIp } from "../../lib/net/ip.ts";
import { keepingLogger } from "../doubles/keeping_logger.ts";
import { view } from "../services/views.ts";

function setUp() {
  const logger = keepingLogger();
  const metrics = createMetrics({ version: "" });
  const events: { object: KubeObject; reason: string; message: string }[] = [];
  const reports = new InstanceReports({
    logger,
    metrics: metrics.instance("blue", "blue"),
    events: {
      record: (_: string, object: KubeObject, { reason, message }: typeof events[number]) =>
        events.push({ object, reason, message }),
    } as never,
    node: "node-1",
    instance: "blue",
    lease: { namespace: "vips", name: "blue" },
    leaseUid: () => "uid-of-lease",
  });
  return { reports, logger, events, metrics };
}

const WEB = view("web");
const REFUSED: Refusal = { service: WEB, reason: "AddressRefused", message: "10.0.0.1: taken" };

Deno.test("refused() says the same once, also where it was not so for a moment", () => {
  const { reports, logger, events } = setUp();
  const count = () => logger.lines.filter(({ message }) => message === "refused").length;
  for (let i = 0; i < 3; i++) {
    reports.refused([REFUSED]);
    reports.refused([]);
  }
  assert.deepEqual([count(), events.length], [1, 1]);
  reports.claimed({ ip: parseIp("10.0.0.1")!, linkIndex: 1, interface: "eth0", owner: WEB });
  reports.refused([REFUSED]);
  assert.equal(count(), 2, "it had the address in between");
  reports.refused([]);
  reports.withdrawn("stopping", true);
  reports.refused([REFUSED]);
  assert.equal(count(), 3, "a new right to hold");
});

Deno.test("elected() makes an Event that kubectl describe finds, and that no other equals", () => {
  const { reports, events } = setUp();
  reports.elected(3);
  reports.elected(5);
  assert.deepEqual(events.map(({ object }) => object.metadata?.uid), Array(2).fill("uid-of-lease"));
  assert.equal(new Set(events.map(({ message }) => message)).size, 2);
});

Deno.test("statusFailed() says each cause once, whatever is renewed meanwhile", () => {
  const { reports, logger } = setUp();
  const write = { service: WEB, ingress: [] };
  const error = new KubeError("Not allowed", { status: 403, reason: "Forbidden" });
  const failures = () => logger.lines.filter(({ level }) => level === "error").length;
  for (let i = 0; i < 3; i++) {
    reports.statusFailed(write, error);
    reports.vipFailed("10.0.0.1", "putting up", new Error("no such device"));
    reports.requestFailed("renew", error);
    reports.renewed();
  }
  assert.equal(failures(), 1 + 1 + 3, "a renewal that succeeds and one that fails are news");
  reports.statusWritten(write);
  reports.statusFailed(write, error);
  assert.equal(failures(), 6);
});

Deno.test("requestFailed() says once what several API servers say in turn", () => {
  const { reports, logger } = setUp();
  for (const message of ["A is away", "B is away", "A is away", "B is away"]) {
    reports.requestFailed("read", new KubeError(message, { status: 0, reason: "Unreachable" }));
  }
  assert.equal(logger.lines.length, 2);
});

Deno.test("holderChanged() tells another holder from none", () => {
  const { reports, logger } = setUp();
  for (const holder of ["node-2", "node-1", undefined]) reports.holderChanged(holder);
  const said = logger.lines.map(({ message }) => message);
  assert.deepEqual(said, ["another holder is seen", "the Lease has no holder"]);
});

Deno.test("poolsMissing() says once what is missing, and that it is there again", async () => {
  const { reports, logger, events, metrics } = setUp();
  const missing = async () =>
    /classvip_pool_config_map_missing\{.*\} (\d)/.exec(await metrics.render())?.[1];
  reports.poolsMissing(undefined);
  assert.deepEqual([logger.lines.length, await missing()], [0, "0"], "it was never missing");
  for (let i = 0; i < 2; i++) reports.poolsMissing("a/b is not there");
  assert.deepEqual(events, [{
    object: { metadata: { namespace: "vips", name: "blue", uid: "uid-of-lease" } },
    reason: "PoolConfigMapMissing",
    message: "a/b is not there",
  }]);
  assert.equal(await missing(), "1");
  reports.poolsMissing(undefined);
  assert.equal(await missing(), "0");
  assert.deepEqual(logger.lines.map(({ message }) => message), [
    "the ConfigMap with the pools is not there",
    "the ConfigMap with the pools is there again",
  ]);
});
