import assert from "node:assert/strict";
import { renderSettingsDocs } from "../../tools/settings_docs.ts";

Deno.test("renderSettingsDocs() wrote docs/settings.md from the table as it is", async () => {
  const text = await Deno.readTextFile(new URL("../../docs/settings.md", import.meta.url));
  assert.ok(
    text === renderSettingsDocs(),
    "docs/settings.md is stale: deno task settings writes it anew",
  );
});
