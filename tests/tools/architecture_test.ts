import assert from "node:assert/strict";
import { violations } from "../../tools/architecture.ts";

const check = (path: string, text: string) => violations(new Map([[path, text]]));

Deno.test("violations() accepts imports along the allowed edges", () => {
  assert.deepEqual(check("main.ts", `import { run } from "./lib/cli/run.ts";\nDeno.exit(0);`), []);
  assert.deepEqual(check("lib/vip/claim.ts", `import { arp } from "../net/arp.ts";`), []);
  assert.deepEqual(check("lib/vip/claim.ts", `import { a } from "./a.ts";`), []);
  assert.deepEqual(check("lib/cli/run.ts", `const m = await import("../agent/run.ts");`), []);
  assert.deepEqual(check("lib/kube/watch.ts", `import { VERSION } from "../version.ts";`), []);
});

Deno.test("violations() names file, line, edge and what is allowed", () => {
  assert.deepEqual(
    check("lib/net/arp.ts", `// codec\n\nimport { send } from "../sys/packet.ts";`),
    [
      "lib/net/arp.ts:3: net must not import sys (lib/sys/packet.ts); it may import no other room, " +
      "and shared types by import type",
    ],
  );
  assert.match(
    check("lib/agent/a.ts", `import { x } from "../config/table.ts";`)[0]!,
    /it may import kube, election, services, pools, classes, vip, net, observe/,
  );
});

Deno.test("violations() sees every form of import", () => {
  for (
    const text of [
      `import {\n  a,\n  type B,\n} from "../sys/a.ts";`,
      `import * as a from '../sys/a.ts';`,
      `import a, { b } from "../sys/a.ts";`,
      `import "../sys/a.ts";`,
      `export { a } from "../sys/a.ts";`,
      `export * from "../sys/a.ts";`,
      `const a = await import("../sys/a.ts");`,
      `import type { A } from "../sys/a.ts";`,
    ]
  ) assert.equal(check("lib/net/a.ts", text).length, 1, text);
});

Deno.test("violations() lets every room import shared types, as types only", () => {
  const path = "lib/kube/watch.ts";
  assert.deepEqual(check(path, `import type { Task } from "../agent/task.ts";`), []);
  assert.deepEqual(check(path, `import { type Task } from "../agent/task.ts";`), []);
  assert.deepEqual(check("lib/services/a.ts", `import type { Ip } from "../net/ip.ts";`), []);
  assert.equal(check(path, `import { Task } from "../agent/task.ts";`).length, 1);
  assert.equal(check(path, `import { type Task, run } from "../agent/task.ts";`).length, 1);
});

Deno.test("violations() keeps packages and globals in their places", () => {
  const cases: [string, string][] = [
    ["lib/observe/log.ts", `import { Logger } from "@std/log";`],
    ["lib/cli/args.ts", `import { parseArgs } from "@std/cli/parse-args";`],
    ["lib/sys/libc.ts", `Deno.dlopen("libc.so.6", {});`],
    ["lib/kube/client_node.ts", `import { KubeConfig } from "@kubernetes/client-node";`],
    ["main.ts", `Deno.env.get("A"); `],
    ["main.ts", `Deno.args.length;`],
    ["main.ts", `Deno.exitCode = 1;`],
  ];
  for (const [home, text] of cases) {
    assert.deepEqual(check(home, text), [], home);
    assert.equal(check("lib/config/load.ts", text).length, 1, text);
  }
  assert.deepEqual(
    check("lib/net/a.ts", `import type { V1Service } from "@kubernetes/client-node";`),
    [],
  );
});

Deno.test("violations() takes comments for what they are, and strings for code", () => {
  assert.deepEqual(check("lib/net/a.ts", `/* Deno.exit() */ // import "../sys/a.ts"\n`), []);
  assert.equal(check("lib/net/a.ts", `const u = "http://x"; Deno.exit();`).length, 1);
});

Deno.test("violations() reports a room that it does not know", () => {
  assert.match(check("lib/attic/a.ts", `import "../net/a.ts";`)[0]!, /no room/);
});
