import assert from "node:assert/strict";
import fc from "fast-check";
import {
  ALLOCATING_ANNOTATION,
  formatIntents,
  IntentJournal,
  parseIntents,
} from "../../lib/pools/journal.ts";

const WEB = { key: "shop/web", addresses: ["10.0.0.1"] };

Deno.test("IntentJournal counts as saved what an answer showed, and nothing else", () => {
  const journal = new IntentJournal();
  journal.begin(undefined);
  journal.set("uid-web", WEB);
  assert.equal(journal.intendedFor("10.0.0.1"), "uid-web");
  assert.ok(journal.unsaved && !journal.isSaved("uid-web"));
  const text = journal.carried()[ALLOCATING_ANNOTATION];
  journal.set("uid-api", { key: "shop/api", addresses: ["10.0.0.2"] });
  journal.saved(text);
  assert.ok(journal.isSaved("uid-web") && !journal.isSaved("uid-api") && journal.unsaved);
  journal.saved(journal.carried()[ALLOCATING_ANNOTATION]);
  assert.ok(!journal.unsaved);
  journal.set("uid-web", { ...WEB, addresses: ["10.0.0.1", "fd00::1"] });
  assert.ok(!journal.isSaved("uid-web"), "one of the two is not on the Lease yet");
  journal.drop("uid-web");
  journal.drop("uid-api");
  assert.deepEqual(journal.carried(), { [ALLOCATING_ANNOTATION]: undefined });
});

Deno.test("IntentJournal goes on with what the Lease says, and leaves it alone without the right", () => {
  const journal = new IntentJournal();
  assert.deepEqual(journal.carried(), {});
  assert.ok(journal.begin(formatIntents(new Map([["uid-web", WEB]]))));
  assert.ok(journal.isSaved("uid-web"));
  journal.end();
  assert.deepEqual([journal.carried(), journal.intents.size], [{}, 0]);
  assert.ok(!journal.begin("nonsense"));
});

Deno.test("IntentJournal names the first of those that share an address", () => {
  const journal = new IntentJournal();
  journal.begin(undefined);
  journal.set("uid-web", WEB);
  journal.set("uid-api", { ...WEB, key: "shop/api" });
  assert.equal(journal.intendedFor("10.0.0.1"), "uid-web");
  journal.drop("uid-web");
  assert.equal(journal.intendedFor("10.0.0.1"), "uid-api");
});

Deno.test("parseIntents() undoes formatIntents(), and takes nothing else", () => {
  const parts = { key: fc.string(), addresses: fc.array(fc.ipV6()) };
  const intent = fc.record(parts, { noNullPrototype: true });
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.tuple(fc.uuid(), intent), { selector: ([uid]) => uid }),
      (entries) => {
        const intents = new Map(entries);
        assert.deepEqual(parseIntents(formatIntents(intents)), intents);
      },
    ),
  );
  for (const text of ["", "[]", "1", '{"a":1}', '{"a":[1]}', "{"]) {
    assert.equal(parseIntents(text), undefined, text);
  }
});
