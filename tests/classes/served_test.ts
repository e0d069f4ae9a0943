import assert from "node:assert/strict";
import { Served } from "../../lib/classes/served.ts";
import { parseIp } from "../../lib/net/ip.ts";
import { view } from "../services/views.ts";
import { named } from "./seen.ts";

Deno.test("Served tells which wishes an instance may grant, by the Leases", () => {
  const served = new Served([
    named("red", { scope: "class red", pools: ["10.0.0.0/30", "fd00::/64"] }),
    named("green", { scope: "class green or no class in namespaces shop" }),
    named("none", { scope: "the control plane's VIP 10.0.0.1" }),
  ]);
  const mayGrant = (loadBalancerClass: string | undefined, vip: string, namespace = "shop") =>
    served.mayGrant(view("web", { class: loadBalancerClass, namespace }), parseIp(vip)!);
  assert.ok(mayGrant("red", "10.0.0.3"));
  assert.ok(mayGrant("red", "fd00::7"));
  assert.ok(!mayGrant("red", "10.0.0.4"), "in none of its pools");
  assert.ok(mayGrant("green", "10.0.0.4"), "without pools any that is in nobody's");
  assert.ok(!mayGrant("green", "10.0.0.3"), "in the pools of another instance");
  assert.ok(mayGrant(undefined, "10.0.0.4"));
  assert.ok(!mayGrant("green", "10.0.0.4", "dev"), "another namespace");
  assert.ok(!mayGrant("blue", "10.0.0.3"), "a class that nobody serves");
  const refuses = (name: string, vip: string) =>
    served.refuses(view("web", { class: name }), parseIp(vip)!);
  assert.deepEqual([refuses("green", "10.0.0.3"), refuses("green", "10.0.0.4")], [true, false]);
  assert.ok(!refuses("blue", "10.0.0.3"), "another controller's may be");
});
