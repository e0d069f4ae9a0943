import assert from "node:assert/strict";
import { versionWarning } from "../../lib/agent/version_check.ts";
import { parseVersion } from "../../lib/kube/version.ts";

const warning = (gitVersion: string) => versionWarning(parseVersion({ gitVersion }));

Deno.test("versionWarning() names the feature gate where it is needed", () => {
  assert.match(warning("v1.20.1") ?? "", /1\.21 or newer is needed/);
  for (const version of ["v1.21.0", "v1.22.4", "v1.23.17+k3s1"]) {
    assert.match(warning(version) ?? "", /feature gate ServiceLoadBalancerClass/);
  }
  for (const version of ["v1.24.0", "v1.34.2", "v2.0.0"]) assert.equal(warning(version), undefined);
});
