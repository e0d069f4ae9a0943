import assert from "node:assert/strict";
import { LinkCondition } from "../../lib/agent/link_condition.ts";
import { ethernet } from "../doubles/fake_network.ts";

/** Links by name; those after `|` have no carrier. */
function links(names: string) {
  const [well = "", dead = ""] = names.split("|");
  const made = (list: string, carrier: boolean) =>
    list.split(" ").filter(Boolean).map((name) =>
      ethernet(Number(name.at(-1)) + 1, name, { carrier })
    );
  return [...made(well, true), ...made(dead, false)];
}

/** What it says at each look: the interfaces in use, and the links. */
function said(setting: string, looks: [used: string, links: string][]) {
  const condition = new LinkCondition(setting);
  return looks.map(([used, seen]) =>
    condition.obstacle(new Set(used.split(" ").filter(Boolean)), links(seen))
  );
}

const DEAD = "interface eth1 has no carrier";

Deno.test("LinkCondition wants the interface that is set, also where no VIP is", () => {
  assert.deepEqual(said("eth1", [["", "eth0 eth1"], ["", "eth0|eth1"], ["", "eth0"]]), [
    undefined,
    DEAD,
    "interface eth1 is gone",
  ]);
});

Deno.test("LinkCondition lasts from when a link fails under its VIPs until it is well", () => {
  assert.deepEqual(
    said("auto", [
      ["eth0 eth1", "eth0 eth1"],
      ["eth0 eth1", "eth0|eth1"],
      ["", "eth0|eth1"],
      ["", "eth0 eth1"],
      ["", "eth0|eth1"],
    ]),
    [undefined, DEAD, DEAD, undefined, undefined],
  );
});

Deno.test("LinkCondition lets VIPs stay beside those on a link that was dead when they came", () => {
  assert.deepEqual(
    said("auto", [["", "eth0|eth1"], ["eth0 eth1", "eth0|eth1"], ["eth0 eth1", "eth0 eth1"], [
      "eth0 eth1",
      "eth0|eth1",
    ]]),
    [undefined, undefined, undefined, DEAD],
  );
});

Deno.test("LinkCondition hands over where every link with VIPs is dead", () => {
  assert.deepEqual(said("auto", [["", "eth0|eth1"], ["eth1", "eth0|eth1"]]), [undefined, DEAD]);
});
