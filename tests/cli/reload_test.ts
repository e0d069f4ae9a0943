import assert from "node:assert/strict";
import { FilePlans } from "../../lib/cli/reload.ts";
import type { LoadedConfig } from "../../lib/config/load.ts";
import type { Link } from "../../lib/net/link.ts";
import { load } from "../config/load_helper.ts";
import { FakeClock } from "../doubles/fake_clock.ts";
import { keepingLogger } from "../doubles/keeping_logger.ts";

const ONE = "instances:\n- {name: a, loadBalancerClass: a}\n";
const TWO = ONE + "- {name: b, loadBalancerClass: b}\n";
const PATH = "/c.yaml";

function link(name: string, more: Partial<Link> = {}): Link {
  return {
    index: 1,
    name,
    mac: new Uint8Array(6),
    up: true,
    carrier: true,
    loopback: false,
    ipv6: true,
    ...more,
  };
}

/** A file, and what is made of it. */
async function setUp(first = ONE) {
  const clock = new FakeClock();
  const logger = keepingLogger();
  const results: boolean[] = [];
  const file = { text: first as string | undefined };
  const links: Link[] = [link("eth0"), link("eth1", { carrier: false })];
  const loadNow = (): Promise<LoadedConfig> =>
    load({ flags: { config: PATH }, files: file.text === undefined ? {} : { [PATH]: file.text } });
  const plans = new FilePlans({
    first: await loadNow(),
    readTextFile: () =>
      file.text === undefined ? Promise.reject(new Error("gone")) : Promise.resolve(file.text),
    load: loadNow,
    loadKeys: () => Promise.resolve(new Map()),
    reloaded: (ok) => results.push(ok),
    adjustProcess: () => {},
    links: () => links,
    clock,
    logger,
  });
  const stop = new AbortController();
  const names: (string[] | undefined)[] = [];
  const run = (async () => {
    while (!stop.signal.aborted) {
      const plan = await plans.next(stop.signal);
      names.push(plan?.instances.map(({ name }) => name));
    }
  })();
  const end = async () => {
    stop.abort();
    await run;
    assert.equal(clock.waiting, 0);
  };
  const errors = () =>
    logger.lines.splice(0).filter(({ level }) => level === "error")
      .map(({ message, fields }) => `${message} ${fields.reason ?? ""}`.trim());
  return { clock, logger, results, file, links, plans, names, errors, [Symbol.asyncDispose]: end };
}

Deno.test("FilePlans takes over a file that changed, once it stays as it is", async () => {
  await using t = await setUp();
  await t.clock.advance(5000);
  assert.deepEqual(t.names, []);
  t.file.text = TWO.slice(0, 30);
  await t.clock.advance(500);
  t.file.text = TWO;
  await t.clock.advance(500);
  assert.deepEqual(t.names, [], "in the middle of writing");
  await t.clock.advance(500);
  assert.deepEqual(t.names, [["a", "b"]]);
  await t.clock.advance(5000);
  assert.deepEqual([t.names.length, t.results], [1, [true]]);
});

Deno.test("FilePlans refuses a wrong file once, with every problem, and goes on looking", async () => {
  await using t = await setUp();
  t.file.text = TWO + "- {name: b, loadBalancerClss: c}\nlogLevel: loud\n";
  await t.clock.advance(5000);
  assert.deepEqual([t.names, t.results], [[], [false]]);
  const [head, ...problems] = t.errors();
  assert.equal(head, "the settings are refused, those from before go on");
  assert.match(problems.join("\n"), /loadBalancerClss \(file \/c.yaml:4\).*loadBalancerClass/);
  assert.match(problems.join("\n"), /logLevel = "loud" \(file \/c.yaml:5\)/);
  t.file.text = TWO;
  await t.clock.advance(1000);
  assert.deepEqual([t.names, t.results], [[["a", "b"]], [false, true]]);
});

Deno.test("FilePlans keeps the plan of a file that is gone, and says so", async () => {
  await using t = await setUp();
  t.file.text = undefined;
  await t.clock.advance(5000);
  assert.deepEqual([t.names, t.results], [[], [false]]);
  assert.match(t.errors().join(), /no file/);
});

Deno.test("FilePlans refuses a file that was cut short to nothing, or to no instances", async () => {
  await using t = await setUp();
  for (
    const [text, said] of [
      ["", /says nothing/],
      ["# later\n", /says nothing/],
      ["leaseDuration: 5s\n", /lists no instances any more/],
    ] as const
  ) {
    t.results.length = 0;
    t.file.text = text;
    await t.clock.advance(5000);
    assert.deepEqual([t.names, t.results], [[], [false]], text);
    assert.match(t.errors().join(), said);
  }
  t.file.text = TWO;
  await t.clock.advance(1000);
  assert.deepEqual(t.names, [["a", "b"]]);
});

const ON = (name: string, instance = "a", more = "") =>
  `instances:\n- name: ${instance}\n  loadBalancerClass: a\n  interface: ${name}\n${more}`;

Deno.test("FilePlans keeps an instance where it serves until its new interface is ready", async () => {
  for (const instance of ["a", "renamed"]) {
    await using t = await setUp(ON("eth0"));
    t.file.text = ON("eht0", instance);
    await t.clock.advance(5000);
    assert.deepEqual([t.names, t.results], [[], [false]]);
    const [head, problem, ...more] = t.errors();
    assert.equal(head, "the settings are refused, those from before go on");
    assert.match(
      problem!,
      /interface = "eht0" \(file \/c.yaml:4\): there is no interface eht0 .*: one of eth0, eth1;/,
    );
    assert.deepEqual(more, []);
    t.links.push(link("eht0"));
    await t.clock.advance(500);
    assert.deepEqual([t.names, t.results], [[[instance]], [false, true]]);
  }
});

Deno.test("FilePlans refuses to leave an interface that is well for one without a link", async () => {
  await using t = await setUp(ONE);
  t.file.text = ON("eth1");
  await t.clock.advance(5000);
  assert.match(t.errors().join(), /interface eth1 has no carrier, instance a would withdraw/);
  t.file.text = ON("eth0");
  await t.clock.advance(1000);
  assert.deepEqual([t.names, t.results], [[["a"]], [false, true]]);
});

Deno.test("FilePlans takes over what takes nothing away", async () => {
  await using t = await setUp(ON("eth0"));
  const follow = async (text: string) => {
    t.file.text = text;
    await t.clock.advance(1000);
  };
  // A new one without its interface, beside one that changes; then one that was without it before.
  await follow(ON("auto", "a", "- {name: b, loadBalancerClass: b, interface: eth8}\n"));
  await follow(ON("eth0", "a", "- {name: b, loadBalancerClass: b, interface: eth9}\n"));
  assert.deepEqual([t.names, t.results], [[["a", "b"], ["a", "b"]], [true, true]]);
});

Deno.test("reload() reads at once, changed or not", async () => {
  await using t = await setUp();
  await t.clock.advance(1);
  t.plans.reload();
  await t.clock.advance(0);
  assert.deepEqual([t.names, t.results], [[["a"]], [true]]);
  t.file.text = TWO;
  t.plans.reload();
  await t.clock.advance(0);
  assert.deepEqual(t.names.at(-1), ["a", "b"]);
});

Deno.test("FilePlans says which settings of the process need a restart", async () => {
  await using t = await setUp();
  t.file.text = `httpAddress: :81\nlogLevel: debug\n${ONE}`;
  await t.clock.advance(1000);
  const said = () => t.logger.lines.filter(({ level }) => level === "warn");
  assert.deepEqual(said().map(({ fields }) => fields["settings"]), [["httpAddress"]]);
  assert.deepEqual(t.names, [["a"]]);
});
