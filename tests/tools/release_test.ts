import assert from "node:assert/strict";
import { bundledPackages } from "../../tools/bundled.ts";
import { changesOf } from "../../tools/release.ts";
import { cycloneDx } from "../../tools/sbom.ts";

Deno.test("bundledPackages() reads the bundler's comments", () => {
  const bundle = [
    "// ../root/.cache/deno/npm/registry.example/yaml/2.9.1/dist/visit.js",
    "// ../root/.cache/deno/npm/registry.example/yaml/2.9.1/dist/doc.js",
    "// ../root/.cache/deno/npm/registry.example/@a/b/1.4.0/x.js",
    "// https://jsr.io/@std/cli/1.0.20/parse_args.ts",
    "// lib/cli/main.ts",
  ].join("\n");
  assert.deepEqual(
    bundledPackages(bundle).map(({ registry, name, version }) => [registry, name, version]),
    [
      ["npm", "@a/b", "1.4.0"],
      ["jsr", "@std/cli", "1.0.20"],
      ["npm", "yaml", "2.9.1"],
    ],
  );
});

Deno.test("cycloneDx() names every package with its licence", () => {
  const one = { registry: "npm", name: "@a/b", version: "1.0.0" } as const;
  const bom = JSON.stringify(cycloneDx({
    version: "0.1.0",
    deno: "2.6.10",
    sha256: "00",
    materials: [{ ...one, license: "MIT OR Apache-2.0", integrity: "sha512-AAE=" }],
  }));
  for (
    const text of ['"specVersion":"1.6"', '"pkg:npm/%40a/b@1.0.0"', '"MIT OR Apache-2.0"', '"0001"']
  ) {
    assert.ok(bom.includes(text), `${text} is not in ${bom}`);
  }
});

Deno.test("changesOf() takes the part of the version, or of what is not released", () => {
  const changelog = "# C\n\n## [Unreleased]\n\nnew\n\n## [0.1.0]\n\nold\n";
  assert.equal(changesOf(changelog, "0.1.0"), "## [0.1.0]\n\nold\n");
  assert.equal(changesOf(changelog, "0.2.0"), "## [Unreleased]\n\nnew\n");
  assert.throws(() => changesOf("# C\n", "1.0.0"), /no part about 1\.0\.0/);
});
