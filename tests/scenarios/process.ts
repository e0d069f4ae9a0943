import assert from "node:assert/strict";
import type { Agent } from "../lab/agent.ts";
import { classvipCommand } from "../lab/agent.ts";
import type { LabHost } from "../lab/host.ts";
import { kubeconfig } from "../lab/kubeconfig.ts";
import type { Scenario } from "./scenario.ts";
import { DEADLINE_MS, logged, until } from "./stage.ts";

/** Health, metrics, exit codes: the process as its surroundings see it. */
export const processScenarios: Scenario[] = [
  {
    name: "/healthz, /readyz and /metrics of two processes with default ports on one node",
    async run(stage) {
      const vip = stage.freshVip();
      const service = await stage.createService({ addresses: vip });
      const other = { class: `${stage.namespace}.example/other`, lease: "other-vip" };
      await stage.layLease(other.lease);
      const node = stage.nodes[0]!;
      const first = await stage.startAgent(node);
      await logged(first, "serving health and metrics");
      const second = await stage.startAgent(node, other);
      await stage.served(service, vip);
      const ports = [await portOf(first), await portOf(second)];
      assert.equal(ports[0], 2112);
      assert.notEqual(ports[1], 2112);
      const said = await logged(
        second,
        "port 2112 is taken, another is used: set httpAddress to choose one",
      );
      assert.equal(said["level"], "warn");
      for (const port of ports) {
        await until(
          "both are ready",
          async () => (await get(node, port, "/readyz")).ok || undefined,
        );
        assert.ok((await get(node, port, "/healthz")).ok);
      }
      const labels = `{instance="${stage.className}",class="${stage.className}"}`;
      const { body } = await get(node, 2112, "/metrics");
      for (const line of [`classvip_holder${labels} 1`, `classvip_vips_held${labels} 1`]) {
        assert.ok(body.includes(`${line}\n`), `${line} is not in:\n${body}`);
      }
      const theirs = await get(node, ports[1]!, "/metrics");
      assert.match(
        theirs.body,
        /classvip_vips_held\{instance="\S+\/other",class="\S+\/other"\} 0\n/,
      );
      assert.ok(!theirs.body.includes(labels), "one instance's metrics in the other's");
    },
  },
  {
    name: "/healthz, /readyz and /metrics for the node alone, until httpAddress opens them",
    async run(stage) {
      const { client } = stage.world.lab;
      const node = stage.nodes[0]!;
      const shut = await stage.startAgent(node);
      const flags = ["--httpAddress=:2113"];
      const open = await stage.startAgent(node, { lease: "other-vip", flags });
      const ports = [await portOf(shut), await portOf(open)];
      assert.deepEqual(ports, [2112, 2113]);
      for (const path of ["/healthz", "/readyz", "/metrics"]) {
        await assert.rejects(get(client, 2112, path, node.ip), /Connection refused/);
        assert.match((await get(client, 2113, path, node.ip)).body, /^HTTP\/1\.0 (200|503)/);
        assert.match((await get(node, 2112, path)).body, /^HTTP\/1\.0 (200|503)/);
      }
    },
  },
  {
    name: "a port that the user chose and that is taken: an error, and exit code 1",
    async run(stage) {
      const first = await stage.startAgent(stage.nodes[0]!);
      await logged(first, "serving health and metrics");
      const flags = ["--httpAddress=127.0.0.1:2112"];
      const second = await stage.startAgent(stage.nodes[0]!, { lease: "other-vip", flags });
      assert.equal((await second.status).code, 1);
      assert.match(
        second.text,
        /Cannot listen on 127\.0\.0\.1:2112, set httpAddress to another one, or to off: Address/,
      );
    },
  },
  {
    name: "wrong settings: all at once, exit code 2",
    async run(stage) {
      const agent = await stage.startAgent(stage.nodes[0]!, {
        leaseSeconds: 1,
        flags: ["--logLevel=loud", "--namespaces=A B"],
        env: { CLASSVIP_ANNOUNCE_INTERVAL: "often" },
      });
      assert.equal((await agent.status).code, 2);
      for (const name of ["leaseDuration", "logLevel", "namespaces", "announceInterval"]) {
        assert.ok(agent.text.includes(name), `${name} is not in:\n${agent.text}`);
      }
    },
  },
  {
    name: "no kubeconfig, no capability: a sentence that says what to do, and its exit code",
    async run(stage) {
      const node = stage.nodes[0]!;
      const kubeconfig = `${stage.world.dir}/no-such-file`;
      const lost = await stage.startAgent(node, { kubeconfig });
      assert.equal((await lost.status).code, 2);
      assert.ok(lost.text.includes(kubeconfig), lost.text);
      const drop = ["setpriv", "--bounding-set=-net_raw", "--inh-caps=-net_raw", "--"];
      const weak = await stage.startAgent(node, { command: [...drop, ...await classvipCommand()] });
      assert.equal((await weak.status).code, 1);
      assert.match(weak.text, /CAP_NET_RAW missing: .*securityContext/);
    },
  },
  {
    name: "interface that is not there: said, and nothing taken",
    async run(stage) {
      const vip = stage.freshVip();
      const service = await stage.createService({ addresses: vip });
      const agent = await stage.startAgent(stage.nodes[0]!, { interface: "eth7" });
      const { reason } = await logged(agent, "does not stand");
      assert.equal(
        reason,
        "there is no interface eth7 on this node: set interface to one of eth0",
      );
      await stage.assertUntouched(service, vip);
    },
  },
  {
    name: "API server does not accept the token: said, and waited for",
    async run(stage) {
      const { url: server, caCert } = stage.world.plane;
      const path = `${stage.world.dir}/stranger`;
      await Deno.writeTextFile(path, kubeconfig({ server, caCert, token: "stranger" }));
      const agent = await stage.startAgent(stage.nodes[0]!, { kubeconfig: path });
      const { error } = await agent.waitForLog(
        (line) => String(line["error"]).includes("credentials"),
        DEADLINE_MS,
      );
      assert.match(String(error), /does not accept the credentials from kubeconfig/);
      assert.equal((await agent.terminate()).code, 0);
    },
  },
];

/** The port that the agent says it serves on. */
export async function portOf(agent: Agent): Promise<number> {
  const { address } = await logged(agent, "serving health and metrics");
  return Number(String(address).split(":").at(-1));
}

/** A request from a host, without any program that it might not have. @param ip default: its own */
export async function get(
  node: LabHost,
  port: number,
  path: string,
  ip = "127.0.0.1",
): Promise<{ ok: boolean; body: string }> {
  const script = `exec 3<>/dev/tcp/${ip}/${port}
    printf 'GET ${path} HTTP/1.0\\r\\n\\r\\n' >&3
    cat <&3`;
  const answer = await node.exec(["bash", "-c", script]);
  return { ok: answer.startsWith("HTTP/1.0 200"), body: answer };
}
