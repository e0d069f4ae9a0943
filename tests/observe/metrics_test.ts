import assert from "node:assert/strict";
import { createMetrics } from "../../lib/observe/metrics.ts";

function value(text: string, series: string): string | undefined {
  return text.split("\n").find((line) => line.startsWith(`${series} `))?.slice(series.length + 1);
}

Deno.test("createMetrics() reports an instance from its start", async () => {
  const metrics = createMetrics({ version: "1.2.3" });
  metrics.instance("a", "example.com/internal");
  const text = await metrics.render();
  const labels = '{instance="a",class="example.com/internal"}';
  for (
    const name of [
      "holder",
      "holder_since_seconds",
      "vips_held",
      "refused_services",
      "frames_sent_total",
      "lease_transitions_total",
      "reconciles_total",
      "reconcile_errors_total",
      "conflicts_total",
    ]
  ) assert.equal(value(text, `classvip_${name}${labels}`), "0", name);
  assert.equal(value(text, `classvip_lease_renewal_age_seconds${labels}`), undefined);
  assert.match(text, /^classvip_build_info\{version="1\.2\.3",deno="[\d.]+"\} 1$/m);
  assert.ok(Number(value(text, "process_resident_memory_bytes")) > 1e6);
  assert.ok(Math.abs(Number(value(text, "process_start_time_seconds")) - Date.now() / 1000) < 3600);
});

Deno.test("createMetrics() counts what the instance reports", async () => {
  const metrics = createMetrics({ version: "1", now: () => new Date(5000) });
  const instance = metrics.instance("a", undefined);
  let age: number | undefined = 1.5;
  instance.setRenewalAge(() => age);
  instance.setHolder(true);
  instance.setVipsHeld(3);
  instance.setRefusedServices(2);
  instance.framesSent(4);
  instance.leaseTransition();
  instance.reconciled(true);
  instance.reconciled(false);
  instance.conflict();
  metrics.watchRestarted("services");
  let text = await metrics.render();
  const of = (name: string) => value(text, `classvip_${name}{instance="a",class=""}`);
  assert.equal(of("holder"), "1");
  assert.equal(of("holder_since_seconds"), "5");
  assert.equal(of("lease_renewal_age_seconds"), "1.5");
  assert.equal(of("vips_held"), "3");
  assert.equal(of("refused_services"), "2");
  assert.equal(of("frames_sent_total"), "4");
  assert.equal(of("lease_transitions_total"), "1");
  assert.equal(of("reconciles_total"), "2");
  assert.equal(of("reconcile_errors_total"), "1");
  assert.equal(of("conflicts_total"), "1");
  assert.equal(value(text, 'classvip_watch_restarts_total{resource="services"}'), "1");

  age = undefined;
  instance.setHolder(false);
  text = await metrics.render();
  assert.equal(of("holder"), "0");
  assert.equal(of("holder_since_seconds"), "0");
  assert.equal(of("lease_renewal_age_seconds"), undefined);
});

Deno.test("render() leaves out other instances when one is named", async () => {
  const metrics = createMetrics({ version: "1" });
  metrics.instance('odd "name"', "x").conflict();
  metrics.instance("b", "y");
  metrics.watchRestarted("leases");
  const text = await metrics.render('odd "name"');
  assert.equal(value(text, 'classvip_conflicts_total{instance="odd \\"name\\"",class="x"}'), "1");
  assert.ok(!text.includes('instance="b"'));
  assert.match(text, /classvip_watch_restarts_total\{resource="leases"\} 1/);
});

Deno.test("setMixUps() has a series for each instance, and shows each tenant his own", async () => {
  const metrics = createMetrics({ version: "1" });
  metrics.instance("a", "x");
  const found = [
    { kind: "PoolsOverlap", instance: "b", class: "y" },
    { kind: "PoolsOverlap", instance: "b", class: "y" },
    { kind: "ClassNotServed", instance: "", class: "z" },
  ];
  metrics.setMixUps(["PoolsOverlap"], found);
  const text = await metrics.render();
  const of = (labels: string) => value(text, `classvip_mix_ups{${labels}}`);
  assert.equal(of('instance="a",class="x",kind="PoolsOverlap"'), "0");
  assert.equal(of('instance="b",class="y",kind="PoolsOverlap"'), "2");
  assert.equal(of('instance="",class="z",kind="ClassNotServed"'), "1");
  const own = (await metrics.render("a")).split("\n").filter((line) => line.includes("mix_ups{"));
  assert.deepEqual(own, ['classvip_mix_ups{instance="a",class="x",kind="PoolsOverlap"} 0']);
  metrics.setMixUps(["PoolsOverlap"], []);
  assert.ok(!(await metrics.render()).includes('instance="b"'), "what is over is gone");
});

Deno.test("createMetrics() keeps processes' registries apart", async () => {
  createMetrics({ version: "1" }).instance("a", "x");
  assert.ok(!(await createMetrics({ version: "1" }).render()).includes('instance="a"'));
});

Deno.test("remove() takes every series of an instance away, and so does another class", async () => {
  const metrics = createMetrics({ version: "1" });
  const a = metrics.instance("a", "x");
  a.setRenewalAge(() => 1);
  a.beaconRejected("forged");
  a.eventLost();
  await metrics.render();
  metrics.instance("a", "y");
  assert.ok(!(await metrics.render()).includes('class="x"'));
  metrics.remove("a");
  assert.ok(!(await metrics.render()).includes('instance="a"'));
  assert.deepEqual([...metrics.instances], []);
});
