import assert from "node:assert/strict";
import { parseVersion } from "../../lib/kube/version.ts";

Deno.test("parseVersion() reads what vendors make of it", () => {
  const cases: [Parameters<typeof parseVersion>[0], number, number][] = [
    [{ major: "1", minor: "34", gitVersion: "v1.34.2" }, 1, 34],
    [{ major: "1", minor: "24+", gitVersion: "v1.24.6-gke.1" }, 1, 24],
    [{ major: "", minor: "", gitVersion: "v1.30.1+k3s1" }, 1, 30],
    [{ major: "1" }, 1, 0],
    [undefined, 0, 0],
  ];
  for (const [answer, major, minor] of cases) {
    const version = parseVersion(answer);
    assert.deepEqual([version.major, version.minor], [major, minor]);
  }
});
