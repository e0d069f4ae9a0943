import assert from "node:assert/strict";
import { cli } from "./cli_helper.ts";

Deno.test("printConfig() shows values with their sources", async () => {
  const env = { loadBalancerClass: "internal-vip", vip_arp: "true" };
  const { code, out, err } = await cli(["config", "--leaseName=custom-lease-name"], env);
  assert.equal(code, 0);
  assert.match(out, /^process\n/);
  assert.match(out, /\n\ninstance internal-vip\n/);
  assert.match(out, /\n {2}leaseName +custom-lease-name +flag --leaseName\n/);
  assert.match(out, /\n {2}loadBalancerClass +internal-vip +env loadBalancerClass\n/);
  assert.match(out, /\n {2}kubeconfig +- +default\n/);
  assert.match(err, /^warning: env vip_arp: not needed/);
});

Deno.test("printConfig() writes JSON for programs", async () => {
  const { out } = await cli(["config", "--output=json", "--leaseDuration=10"]);
  const { process, instances } = JSON.parse(out);
  assert.deepEqual(process.nodeName, { value: "n1", source: "default" });
  assert.equal(instances.length, 1);
  assert.deepEqual(instances[0].leaseDuration, { value: "10s", source: "flag --leaseDuration" });
});
