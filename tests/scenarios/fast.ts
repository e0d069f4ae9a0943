import assert from "node:assert/strict";
import { type Beacon, BeaconCodec } from "../../lib/net/beacon.ts";
import { type Agent, classvipCommand } from "../lab/agent.ts";
import { nowMs, rest } from "../lab/clock.ts";
import type { HexFrame } from "../lab/frames_main.ts";
import { startHelper } from "../lab/helper.ts";
import type { LabHost } from "../lab/host.ts";
import { FastTeam, LEASE_MS, metric, rejected, SETTLE_MS, writeKey } from "./fast_team.ts";
import type { Scenario } from "./scenario.ts";
import { DEADLINE_MS, logged, type Stage, until } from "./stage.ts";

/**
 * What a strict standby waits for at least after a crash: the Lease, less a renewal just before. The
 * witness counts anew whenever its process was late, so a busy machine needs a long Lease to judge.
 */
const strictMs = (leaseSeconds: number) => leaseSeconds * 1000 * 0.7;
const LONG_SECONDS = 20;
/** A user without rights. */
const NOBODY = 65_534;
/** Crashes in a row. More, for figures: CLASSVIP_CRASHES=10. */
const CRASHES = Number(Deno.env.get("CLASSVIP_CRASHES") ?? 3);

/** Holders that are replaced before their Lease ends, and those that must not be. */
export const fastScenarios: Scenario[] = [
  {
    name: "SIGKILL of the holder: the next one announces long before the Lease expires",
    async run(stage) {
      const nodes = await FastTeam.create(stage);
      const options = { leaseSeconds: LONG_SECONDS };
      const vip = await nodes.serving(stage.nodes, options);
      const took: number[] = [];
      for (let i = 0; i < CRASHES; i++) {
        const old = nodes.holder(vip);
        const sinceMs = nowMs();
        const claimed = nodes.claimOfAnother(vip, old, sinceMs);
        await nodes.agentOn(old).kill();
        const frame = await claimed;
        took.push(frame.atMs - sinceMs);
        const next = (await stage.world.watch.waitForHolder(vip, DEADLINE_MS)).host;
        const agent = await nodes.start(old, options);
        await logged(agent, "another holder is seen");
        await rest(SETTLE_MS);
        assert.equal(nodes.holder(vip).name, next, "it flapped");
      }
      took.sort((a, b) => a - b);
      const [median, worst] = [took[took.length >> 1]!, took.at(-1)!];
      console.log(
        `crash → first frame of the next: median ${median.toFixed(0)} ms, ` +
          `worst ${worst.toFixed(0)} ms of ${took.length}`,
      );
      assert.ok(worst < strictMs(LONG_SECONDS), `worst ${worst} ms`);
    },
  },
  {
    name: "SIGSTOP of the holder: its kernel answers, nobody takes the VIP before it is gone there",
    async run(stage) {
      const nodes = await FastTeam.create(stage);
      const vip = await nodes.serving(stage.nodes.slice(0, 2));
      const old = nodes.holder(vip);
      const next = stage.nodes.slice(0, 2).find((node) => node !== old)!;
      const sinceMs = nowMs();
      nodes.agentOn(old).stop();
      const { fromMs } = await stage.world.watch.waitForHolder(vip, DEADLINE_MS, next.name);
      assert.ok(fromMs - sinceMs > 1000, `after ${fromMs - sinceMs} ms`);
      nodes.agentOn(old).cont();
      await logged(nodes.agentOn(old), "withdrew all VIPs");
      await rest(SETTLE_MS);
      assert.equal(nodes.holder(vip).name, next.name);
    },
  },
  {
    name: "nodes that don't hear each other: the VIP moves once, and is at one place in the end",
    async run(stage) {
      const nodes = await FastTeam.create(stage);
      const pair = stage.nodes.slice(0, 2);
      const vip = await nodes.serving(pair, { leaseSeconds: LONG_SECONDS });
      const old = nodes.holder(vip);
      const next = pair.find((node) => node !== old)!;
      stage.defer(async () => void await Promise.all(pair.map((node) => node.isolate(false))));
      await Promise.all(pair.map((node) => node.isolate()));
      await stage.world.watch.waitForHolder(vip, DEADLINE_MS, next.name);
      await until(
        "one holder",
        () => Promise.resolve(stage.world.watch.holdings.holders(vip).length === 1 || undefined),
      );
      // The only overlap is the way of the Lease's change to the old holder.
      const { holdings } = stage.world.watch;
      const overlapMs = Math.max(
        0,
        ...holdings.doubles().filter(({ ip }) => ip === vip).map((d) => d.toMs - d.fromMs),
      );
      console.log(`overlap ${overlapMs.toFixed(1)} ms`);
      // Without that it would have learnt of it with its next renewal.
      assert.ok(overlapMs < LONG_SECONDS * 1000 * 0.3 / 2, `overlap of ${overlapMs} ms`);
      await rest(3 * SETTLE_MS);
      await Promise.all(pair.map((node) => node.isolate(false)));
      await rest(SETTLE_MS);
      assert.deepEqual(holdings.of(vip).map(({ host, open }) => [host, open]), [
        [old.name, false],
        [next.name, true],
      ]);
      // What this mode trades, and this scenario asked for.
      const [before, after] = holdings.of(vip);
      before!.toMs = Math.min(before!.toMs, after!.fromMs);
    },
  },
  {
    name: "no beacons from a process that was stopped, before it holds again",
    async run(stage) {
      const nodes = await FastTeam.create(stage);
      const vip = await nodes.serving(stage.nodes.slice(0, 2));
      const [old, next] = stage.nodes as [LabHost, LabHost];
      const { client } = stage.world.lab;
      await using wire = await startHelper<HexFrame>(client, "frames_main.ts", [client.interface]);
      const codec = new BeaconCodec(
        await Deno.readFile(nodes.key),
        `${stage.namespace}/${stage.lease}`,
      );
      const beacons = (sinceMs: number) =>
        wire.reports.items.filter(({ atMs }) => atMs > sinceMs)
          .map(({ hex }) => codec.decode(Uint8Array.fromHex(hex)) as Beacon);
      nodes.agentOn(old).stop();
      await stage.world.watch.waitForHolder(vip, DEADLINE_MS, next.name);
      const wokenMs = nowMs();
      nodes.agentOn(old).cont();
      await logged(nodes.agentOn(old), "withdrew all VIPs");
      await until("both are heard", () => {
        const nodes = new Set(beacons(wokenMs).map(({ node }) => node));
        return Promise.resolve(nodes.size === 2 || undefined);
      });
      await rest(SETTLE_MS);
      const heard = beacons(wokenMs);
      assert.deepEqual(
        [...new Set(heard.map(({ node, kind }) => `${node} ${kind}`))].toSorted(),
        [`${old.name} standby`, `${next.name} holder`],
      );
      assert.ok(stage.world.claims(vip, old).every(({ atMs }) => atMs < wokenMs));
      const freedMs = nowMs();
      await nodes.agentOn(next).terminate();
      await stage.world.watch.waitForHolder(vip, DEADLINE_MS, old.name);
      const { atMs } = await wire.reports.waitFor((report) => {
        const { node, kind } = codec.decode(Uint8Array.fromHex(report.hex)) as Beacon;
        return report.atMs > wokenMs && node === old.name && kind === "holder";
      }, DEADLINE_MS);
      assert.ok(atMs > freedMs, "it said that it holds while the other one did");
    },
  },
  {
    name:
      "no /dev/net/tun, and no right but two: said once, a node's crash is noticed all the same",
    async run(stage) {
      const nodes = await FastTeam.create(stage);
      const pair = stage.nodes.slice(0, 2) as [LabHost, LabHost];
      // Its end is waited for once.
      const leaseSeconds = 10;
      const vip = await nodes.serving(pair, { command: await inContainer(stage), leaseSeconds });
      const [first, second] = pair;
      for (const node of pair) {
        const said = nodes.agentOn(node).logs.filter(({ message }) =>
          String(message).endsWith(": a TUN device cannot be made")
        );
        assert.equal(said.length, 1);
        assert.match(String(said[0]!["message"]), /VIPs are free only when their kernel lifetime/);
        assert.match(JSON.stringify(said[0]!["error"]), /\/dev\/net\/tun: .*ENOENT/);
      }
      assert.deepEqual(
        (await first.addresses()).filter(({ ip }) => ip === vip).map((one) => one.interface),
        [first.interface],
      );
      // The agent alone: its kernel answers until the lifetime ends.
      const sinceMs = nowMs();
      await nodes.agentOn(first).kill();
      const { fromMs } = await stage.world.watch.waitForHolder(vip, DEADLINE_MS, second.name);
      assert.ok(fromMs - sinceMs > 1000, `after ${fromMs - sinceMs} ms`);
      await logged(await nodes.start(first, { leaseSeconds }), "another holder is seen");
      await rest(SETTLE_MS);
      // The whole node.
      const crashedMs = nowMs();
      const claimed = nodes.claimOfAnother(vip, second, crashedMs);
      stage.defer(() => second.linkUp());
      await second.linkDown();
      await nodes.agentOn(second).kill();
      const { atMs } = await claimed;
      assert.ok(atMs - crashedMs < strictMs(leaseSeconds), `after ${atMs - crashedMs} ms`);
      await stage.world.watch.waitForHolder(vip, DEADLINE_MS, first.name);
      // A dead node has no addresses; the kernel of this one lives on.
      const dead = stage.world.watch.holdings.of(vip).find(({ host }) => host === second.name)!;
      await until("its kernel let go", () => Promise.resolve(!dead.open || undefined));
      dead.toMs = Math.min(dead.toMs, crashedMs);
    },
  },
  {
    name: "a beacon key that is missing, short, or for all to read: one sentence, exit code 2",
    async run(stage) {
      const nodes = await FastTeam.create(stage);
      const cases: [key: string, problem: RegExp][] = [
        [`${stage.world.dir}/no-such-key`, /does not exist; right would be: a file that/],
        [await writeKey(stage, "short", { bytes: 31 }), /holds 31 bytes; right would be: at least/],
        [
          await writeKey(stage, "open", { mode: 0o444 }),
          /may be read by everybody \(mode 0444\); right would be: mode 0400/,
        ],
      ];
      for (const [key, problem] of cases) {
        const agent = await nodes.start(stage.nodes[0]!, { key });
        assert.equal(await exitCode(agent), 2, key);
        assert.match(agent.text, problem);
        assert.ok(agent.text.includes(`beaconKeyFile`) && agent.text.includes(key), agent.text);
        assert.doesNotMatch(agent.text, /^\s+at /m, "a stack trace");
      }
      const bare = await stage.startAgent(stage.nodes[0]!, { flags: ["--fastFailover"] });
      assert.equal(await exitCode(bare), 2);
      assert.match(bare.text, /beaconKeyFile/);
    },
  },
  {
    name: "wrong key: beacons are rejected and counted, the Lease alone decides",
    async run(stage) {
      const nodes = await FastTeam.create(stage);
      const vip = await nodes.serving(stage.nodes.slice(0, 1));
      const old = nodes.holder(vip);
      const stranger = await nodes.start(stage.nodes[1]!, {
        key: await writeKey(stage, "other-key"),
      });
      await logged(stranger, "another holder is seen");
      await until("beacons are rejected", async () => {
        const count = await metric(stage.nodes[1]!, stranger, rejected("forged"));
        return count > 5 || undefined;
      });
      const sinceMs = nowMs();
      const claimed = nodes.claimOfAnother(vip, old, sinceMs);
      await nodes.agentOn(old).kill();
      const frame = await claimed;
      const tookMs = frame.atMs - sinceMs;
      assert.ok(tookMs > strictMs(LEASE_MS / 1000) - 1000, `after ${tookMs} ms`);
    },
  },
];

/** @throws {Error} when it does not end by itself */
async function exitCode(agent: Agent): Promise<number> {
  await until("it ended", () => Promise.resolve(agent.ended || undefined));
  return (await agent.status).code;
}

/**
 * A command line before classvip's: in a container with CAP_NET_ADMIN and CAP_NET_RAW alone and
 * without devices. A compiled program runs as a user without rights; `deno run` needs root's files.
 */
async function inContainer(stage: Stage): Promise<string[]> {
  let command = await classvipCommand();
  let user: string[] = [];
  if (command.length === 1) {
    // Where that user can reach them.
    const dir = stage.world.dir;
    await Deno.copyFile(command[0]!, `${dir}/classvip`);
    await Deno.chmod(dir, 0o711);
    for (const name of await Array.fromAsync(Deno.readDir(dir))) {
      if (name.isFile) await Deno.chown(`${dir}/${name.name}`, NOBODY, NOBODY);
    }
    command = [`${dir}/classvip`];
    user = [`--reuid=${NOBODY}`, `--regid=${NOBODY}`, "--clear-groups"];
  }
  const rights = "-all,+net_admin,+net_raw";
  return [
    ...["unshare", "--mount", "sh", "-c", 'mount -t tmpfs none /dev/net && exec "$@"', "sh"],
    ...["setpriv", ...user, `--inh-caps=${rights}`, `--bounding-set=${rights}`],
    ...user.length > 0 ? ["--ambient-caps=+net_admin,+net_raw"] : [],
    ...["--", ...command],
  ];
}
