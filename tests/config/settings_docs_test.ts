import assert from "node:assert/strict";
import { generatedFiles } from "../../tools/settings_docs.ts";

for (const [path, text] of generatedFiles()) {
  Deno.test(`generatedFiles() wrote ${path} from the table as it is`, async () => {
    const found = await Deno.readTextFile(new URL(`../../${path}`, import.meta.url));
    assert.ok(found === text, `${path} is stale: deno task settings writes it anew`);
  });
}
