import assert from "node:assert/strict";
import { ApiServer } from "../lab/api/server.ts";
import { kubeconfig } from "../lab/kubeconfig.ts";
import { cli } from "./cli_helper.ts";

const LEASE = { name: "vip", namespace: "default" };
const ASKED = "classvip.io/handover-to";

/** The clock's C library stays loaded. */
const LIBRARY = { sanitizeResources: false };

/**
 * Asks for a handover from n1 to n2.
 *
 * @param becomes who holds once that was asked for
 */
async function asked(becomes: string): Promise<{ code: number; out: string; err: string }> {
  await using server = await ApiServer.start();
  const write = (holderIdentity: string) => {
    const { metadata, spec } = server.store.get("leases", LEASE.namespace, LEASE.name);
    server.store.update("leases", { metadata: metadata!, spec: { ...spec!, holderIdentity } });
  };
  server.store.create("leases", { metadata: LEASE, spec: { leaseDurationSeconds: 1 } });
  write("n1");
  const path = await Deno.makeTempFile();
  try {
    await Deno.writeTextFile(path, kubeconfig({ server: server.url }));
    const answer = cli(
      [
        "handover",
        "--loadBalancerClass=blue",
        `--leaseNamespace=${LEASE.namespace}`,
        `--leaseName=${LEASE.name}`,
        "--leaseDuration=3s",
        "--to=n2",
        `--kubeconfig=${path}`,
      ],
      {},
      { [path]: kubeconfig({ server: server.url }) },
    );
    // An answer that comes before would be waited for without end.
    let settled = false;
    void answer.finally(() => settled = true);
    while (!settled) {
      const { metadata } = server.store.get("leases", LEASE.namespace, LEASE.name);
      if (metadata?.annotations?.[ASKED] === "n2") break;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    write(becomes);
    const result = await answer;
    const { metadata } = server.store.get("leases", LEASE.namespace, LEASE.name);
    if (becomes === "n1") assert.equal(metadata?.annotations?.[ASKED], undefined, "taken back");
    return result;
  } finally {
    await Deno.remove(path);
  }
}

Deno.test("handover says who holds in the end: the node that was asked for", LIBRARY, async () => {
  const { code, out } = await asked("n2");
  assert.equal(code, 0);
  assert.match(out, /n1 handed over to n2/);
});

Deno.test("handover says who holds in the end: the former holder", LIBRARY, async () => {
  const { code, err } = await asked("n1");
  assert.notEqual(code, 0);
  assert.match(err, /n2 did not take over Lease default\/vip within 3 s, n1 goes on: is an agent/);
});

Deno.test("handover says who holds in the end: somebody else", LIBRARY, async () => {
  const { code, err } = await asked("n3");
  assert.notEqual(code, 0);
  assert.match(err, /n3 took over Lease default\/vip from n1 meanwhile: ask it, if n2 is to/);
});
