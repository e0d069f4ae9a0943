import assert from "node:assert/strict";
import { MIX_UP_KINDS } from "../../lib/classes/mix_ups.ts";
import type { Refusal } from "../../lib/services/decide.ts";

const ROOT = new URL("../..", import.meta.url).pathname;
const PAGE = await Deno.readTextFile(`${ROOT}docs/pending.md`);
/** Whatever stands in between. */
const GAP = "…";

/** All that there are: the compiler sees to it. */
const REASONS: Record<Refusal["reason"], true> = {
  AddressRefused: true,
  AddressAskedTwice: true,
  NoAddress: true,
  SettingIgnored: true,
  LimitReached: true,
  NoPool: true,
  AllocationFailed: true,
  OutsidePools: true,
};

/** A source with its texts as they are printed: joined, and a gap for each value. */
function texts(source: string): string {
  return source.replaceAll(/["`]\s*\+\s*["`]/g, "").replaceAll(/\$\{[^{}`]*\}/g, GAP)
    .replaceAll(/\s+/g, " ").replaceAll(/…[ /]…/g, GAP);
}

async function sources(folder: string): Promise<string> {
  let all = "";
  for await (const { name, isFile } of Deno.readDir(folder)) {
    const path = `${folder}/${name}`;
    all += isFile ? await Deno.readTextFile(path) : await sources(path);
  }
  return all;
}

const page = PAGE.replaceAll(/\s+/g, " ").toLowerCase();

Deno.test("docs/pending.md has every reason of an Event that tells why a Service waits", () => {
  const headings = [...PAGE.matchAll(/^### (.*)$/gm)].map(([, text]) => text!).join(" ");
  for (const reason of [...Object.keys(REASONS), ...MIX_UP_KINDS, "PoolConfigMapMissing"]) {
    assert.match(headings, new RegExp(`\\b${reason}\\b`));
  }
});

Deno.test("docs/pending.md quotes what the program prints, word by word", async () => {
  const printed = texts(await sources(`${ROOT}lib`)).toLowerCase();
  const events = PAGE.slice(PAGE.indexOf("## No node holds"));
  const quoted = [...events.matchAll(/`([^`]+)`/g)].map(([, text]) => text!.replaceAll(/\s+/g, " "))
    .filter((text) => text.includes(" "))
    .filter((text) => !/^(kubectl|ip|classvip) /.test(text));
  assert.ok(quoted.length > 35, `${quoted.length}`);
  const unknown = quoted.filter((text) => !printed.includes(text.toLowerCase()));
  assert.deepEqual(unknown, []);
});

Deno.test("docs/pending.md has every text with which an address is refused", async () => {
  const files = ["services/decide.ts", "vip/placement.ts", "agent/reconciler.ts"];
  const all = await Promise.all(files.map((file) => Deno.readTextFile(`${ROOT}lib/${file}`)));
  const refusals = all.flatMap((source) => [
    ...texts(source).matchAll(
      /(?:refused: |refuse\( ?|[?:] )["`]((?:it is|there is|no (?:interface|subnet)|another|interface|ipv6)[^"`]*)/gi,
    ),
  ]).map(([, text]) => text!.trim());
  assert.ok(refusals.length > 10, refusals.join("\n"));
  const missing = refusals.filter((text) => !page.includes(text.toLowerCase()));
  assert.deepEqual(missing, []);
});
