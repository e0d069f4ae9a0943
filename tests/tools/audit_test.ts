import assert from "node:assert/strict";
import { describeFlaws, lockedVersions } from "../../tools/audit.ts";

const FLAW = { severity: "high", title: "t", url: "u", vulnerable_versions: "<2" };
const LOCK = JSON.stringify({ npm: { "ms@2.1.3": {}, "@a/b@1.4.0_jsep@1.6.0": {} } });

/** Runs the task beside a lock file, with a registry. */
async function audit(
  registry: string,
  lock = LOCK,
): Promise<{ code: number; out: string; err: string }> {
  const cwd = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${cwd}/deno.lock`, lock);
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: [
        ...["run", "--no-config", "--no-lock", "-A"],
        new URL("../../tools/audit.ts", import.meta.url).pathname,
      ],
      cwd,
      env: { npm_config_registry: registry },
    }).output();
    const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes).trim());
    return { code, out: out!, err: err! };
  } finally {
    await Deno.remove(cwd, { recursive: true });
  }
}

const cases: [what: string, answer: () => Response, code: number, says: RegExp][] = [
  ["no flaw", () => Response.json({}), 0, /^2 packages, 0 known flaws$/],
  [
    "a flaw",
    () => Response.json({ ms: [FLAW] }),
    1,
    /ms <2: high: t \(u\)\n2 packages, 1 known flaws/,
  ],
  ...[401, 403, 404, 405, 429, 500, 503].map((status) =>
    [
      `HTTP ${status}`,
      () => new Response("no", { status }),
      0,
      new RegExp(`^warning: 2 packages not checked for known flaws: HTTP ${status}$`),
    ] as [string, () => Response, number, RegExp]
  ),
  ["a bad question", () => new Response("", { status: 400 }), 1, /refuses the question: HTTP 400$/],
  ["a page", () => new Response("<html>"), 1, /^No audit: \S+ gives no answer to the question$/],
  ["nothing", () => new Response(), 1, /gives no answer/],
  ["a list", () => Response.json([]), 1, /gives no answer/],
  ["null", () => Response.json(null), 1, /gives no answer/],
  ["another shape", () => Response.json({ ms: { severity: "high" } }), 1, /gives no answer/],
  ["half a flaw", () => Response.json({ ms: [{ severity: "high" }] }), 1, /gives no answer/],
];

Deno.test("audit tells flaws and broken answers, which fail, from silence, which warns", async (t) => {
  for (const [what, answer, wanted, says] of cases) {
    await t.step(what, async () => {
      const asked: [string, unknown][] = [];
      await using server = Deno.serve(
        { hostname: "127.0.0.1", port: 0, onListen: () => {} },
        async (request) => {
          asked.push([new URL(request.url).pathname, await request.json()]);
          return answer();
        },
      );
      const { code, out, err } = await audit(`http://127.0.0.1:${server.addr.port}/npm`);
      assert.deepEqual(asked, [[
        "/npm/-/npm/v1/security/advisories/bulk",
        { ms: ["2.1.3"], "@a/b": ["1.4.0"] },
      ]]);
      assert.equal(code, wanted, err);
      assert.match([err, out].filter(Boolean).join("\n"), says);
    });
  }
});

Deno.test("audit warns where nobody listens", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  const { code, err } = await audit(`http://127.0.0.1:${port}`);
  assert.equal(code, 0, err);
  assert.match(err, /^warning: 2 packages not checked for known flaws: .*refused/);
});

Deno.test("audit fails where it cannot ask", async () => {
  assert.match((await audit("not a URL")).err, /^No audit: Invalid URL/);
  for (const lock of ["{}", '{"npm":{}}']) {
    const { code, err } = await audit("http://127.0.0.1:1", lock);
    assert.deepEqual([code, err], [1, "No audit: deno.lock names no package of npm"]);
  }
  assert.equal((await audit("http://127.0.0.1:1", "broken")).code, 1);
});

Deno.test("lockedVersions() reads the names of the lock file", () => {
  const npm = { "@a/b@1.4.0_jsep@1.6.0": {}, "ms@2.1.3": {}, "ms@2.0.0": {} };
  assert.deepEqual(lockedVersions({ npm }), { "@a/b": ["1.4.0"], "ms": ["2.1.3", "2.0.0"] });
  assert.throws(() => lockedVersions({ npm: { "x": {} } }), /what is "x"/);
});

Deno.test("describeFlaws() gives a line for each", () => {
  assert.deepEqual(describeFlaws({ ms: [FLAW] }), ["ms <2: high: t (u)"]);
  assert.deepEqual(describeFlaws({}), []);
});
