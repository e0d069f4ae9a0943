import assert from "node:assert/strict";

const read = async (path: string) =>
  JSON.parse(await Deno.readTextFile(new URL(`../../${path}`, import.meta.url)));

Deno.test("offline.json maps what deno.json imports, with the same npm versions", async () => {
  const online: Record<string, string> = (await read("deno.json")).imports;
  const offline: Record<string, string> = (await read("tools/offline.json")).imports;
  assert.deepEqual(Object.keys(offline).sort(), Object.keys(online).sort());
  for (const [name, target] of Object.entries(online)) {
    if (target.startsWith("jsr:")) assert.match(offline[name]!, /^\.\/offline\/\w+\.ts$/);
    else assert.equal(offline[name], target);
  }
});

Deno.test("deno.lock holds every npm version that deno.json imports", async () => {
  const { imports } = await read("deno.json");
  const { specifiers } = await read("deno.lock");
  for (const target of Object.values<string>(imports)) {
    // `npm:name@version`, and a path in the package that no lock file knows.
    const [, found] = /^(npm:(?:@[^/]+\/)?[^/]+)/.exec(target) ?? [];
    if (found !== undefined) assert.ok(found in specifiers, target);
  }
});
