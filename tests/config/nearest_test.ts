import assert from "node:assert/strict";
import { nearest } from "../../lib/config/nearest.ts";

Deno.test("nearest() finds the name that was meant", () => {
  const names = ["loadBalancerClass", "leaseName", "leaseNamespace"];
  assert.equal(nearest("leasename", names), "leaseName");
  assert.equal(nearest("load-balancer-clas", names), "loadBalancerClass");
  assert.equal(nearest("laeseNamespace", names), "leaseNamespace");
});

Deno.test("nearest() knows when nothing is like it", () => {
  assert.equal(nearest("colour", ["leaseName", "interface"]), undefined);
  const names = ["n", "log", "arp", "vip", "leaseDuration"];
  for (const name of ["v", "foo", "bar", "leaseRegistry", ""]) {
    assert.equal(nearest(name, names), undefined, name);
  }
});
