import assert from "node:assert/strict";
import { Conditions } from "../../lib/agent/conditions.ts";
import { ControlPlane, type ControlPlaneParts } from "../../lib/agent/control_plane.ts";
import type { Shared } from "../../lib/agent/instance.ts";
import type { Elector } from "../../lib/election/elector.ts";
import { Servers } from "../../lib/kube/servers.ts";
import { FakeClock } from "../doubles/fake_clock.ts";
import { FakeKubeClient } from "../doubles/fake_kube_client.ts";
import { FakeNetwork } from "../doubles/fake_network.ts";
import { instanceConfig } from "../doubles/instance_config.ts";
import { keepingLogger } from "../doubles/keeping_logger.ts";

const OWN = "https://10.0.0.1:6443";
const OTHER = "https://10.0.0.2:6443";
const LEASE_MS = 5000;

/** A node that has the VIP; looks each second, three failures count. */
function start() {
  const clock = new FakeClock();
  const client = new FakeKubeClient();
  client.answer = () => ({ endpoints: [{ addresses: ["10.0.0.2"] }], ports: [{ port: 6443 }] });
  const sick = new Set<string>();
  const controlPlane = new ControlPlane({
    config: instanceConfig("control-plane", {
      leaseDurationMs: LEASE_MS,
      controlPlane: {
        address: "10.0.0.10",
        port: 6443,
        bootstrap: false,
        healthIntervalMs: 1000,
        healthTimeoutMs: 500,
        healthThreshold: 3,
      },
    }),
    shared: {
      nodeName: "node-a",
      clock,
      network: new FakeNetwork(clock),
      open: () => client,
      apiServers: {
        servers: new Servers("https://10.0.0.10:6443"),
        own: OWN,
        probe: (server: string) =>
          Promise.resolve(sick.has(server) ? `${server} is sick` : undefined),
      },
    } as unknown as Shared,
    mark: 1,
    logger: keepingLogger(),
  } as unknown as ControlPlaneParts);
  const stop = new AbortController();
  const run = Promise.all(controlPlane.tasks.map((task) => task.run(stop.signal)));
  return {
    clock,
    controlPlane,
    sick,
    stop: async () => {
      stop.abort();
      await run;
    },
  };
}

Deno.test("ControlPlane leaves a free Lease to others while its API server is not well", async () => {
  const { clock, controlPlane, sick, stop } = start();
  assert.equal(controlPlane.standBackMs(), 2 * LEASE_MS, "nothing is known yet");
  await clock.advance(1000);
  assert.equal(controlPlane.standBackMs(), 0);
  sick.add(OWN);
  await clock.advance(3000);
  assert.equal(controlPlane.standBackMs(), 2 * LEASE_MS);
  await stop();
});

Deno.test("ControlPlane hands over when its API server is sick, and only to a better one", async () => {
  const { clock, controlPlane, sick, stop } = start();
  const conditions = new Conditions(() => {});
  const elector = { holder: "node-a", mayHold: () => true } as unknown as Elector;
  const standing = controlPlane.stand(elector, conditions);
  await clock.advance(2000);
  assert.equal(conditions.reason, undefined);
  sick.add(OWN).add(OTHER);
  await clock.advance(5000);
  assert.equal(conditions.reason, undefined, "nobody could serve better");
  sick.delete(OTHER);
  await clock.advance(1000);
  assert.match(conditions.reason!, /10\.0\.0\.1:6443 is sick/);
  standing[Symbol.dispose]();
  await stop();
});
