import assert from "node:assert/strict";
import { cli } from "./cli_helper.ts";

interface Case {
  readonly args: string[];
  readonly env?: Record<string, string>;
  readonly files?: Record<string, string>;
  readonly code: number;
  /** In what is said on standard error. */
  readonly says: RegExp;
}

/** Nobody listens there. */
const NOWHERE = JSON.stringify({
  apiVersion: "v1",
  kind: "Config",
  "current-context": "x",
  contexts: [{ name: "x", context: { cluster: "x", user: "x" } }],
  clusters: [{ name: "x", cluster: { server: "https://127.0.0.1:1" } }],
  users: [{ name: "x", user: { token: "secret-token" } }],
});

/** Commands with settings; of each, every way to get it wrong. */
const SETTINGS = [
  ["run"],
  ["config"],
  ["handover", "--to=node-2"],
  ["release"],
  ["manifest", "daemonset"],
  ["manifest", "static-pod"],
  ["manifest", "systemd"],
  ["manifest", "rbac"],
  ["manifest", "configmap"],
];

const cases: Case[] = [
  ...SETTINGS.flatMap((command): Case[] => [
    {
      args: [...command, "--laodBalancerClass=a"],
      code: 2,
      says: /no such flag; right would be: --loadBalancerClass$/m,
    },
    { args: [...command, "--qqqq=a"], code: 2, says: /one of those that `classvip help` lists/ },
    { args: [...command, "--leaseDuration"], code: 2, says: /its value is missing/ },
    { args: [...command, "--leaseDuration=soon"], code: 2, says: /leaseDuration = "soon"/ },
    {
      args: [...command, "--config=/not/there"],
      code: 2,
      says: /config = "\/not\/there" .*cannot be read/,
    },
    {
      args: [...command, "--config=/c"],
      files: { "/c": "\u0000\u0001\u007fELF: {" },
      code: 2,
      says: /\(file \/c:1\)/,
    },
    {
      args: [...command, "--config=/c"],
      files: { "/c": "instances: {a: 1}" },
      code: 2,
      says: /instances \(file \/c:1\): not a list/,
    },
    {
      args: [...command],
      env: { CLASSVIP_LEASE_DURATON: "5s" },
      code: 2,
      says: /no such setting; right would be: CLASSVIP_LEASE_DURATION/,
    },
  ]),
  { args: ["manfest"], code: 2, says: /no such command; right would be: manifest/ },
  { args: ["run", "now"], code: 2, says: /a word too many/ },
  { args: ["handover"], code: 2, says: /no node is named; right would be: --to=/ },
  { args: ["handover", "--to=NODE_1"], code: 2, says: /to = "NODE_1" .*that Kubernetes accepts/ },
  { args: ["handover", "--to=a", "--to=b"], code: 2, says: /to = "b" .*flag --to says "a"/ },
  { args: ["manifest", "daemonset", "--image=a b"], code: 2, says: /not the name of an image/ },
  { args: ["manifest", "daemonset", "--namespace=A"], code: 2, says: /not a namespace name/ },
  {
    args: ["config", "--output=xml"],
    code: 2,
    says: /no such format; right would be: text or json/,
  },
  { args: ["config", "--schema", "--a"], code: 2, says: /no flag beside --schema/ },
  { args: ["version", "--a"], code: 2, says: /no flag of this command/ },
  { args: ["help", "me"], code: 2, says: /a word too many/ },
  { args: ["manifest"], code: 2, says: /no kind is named; right would be: one of daemonset/ },
  { args: ["manifest", "dameonset"], code: 2, says: /no such kind; right would be: daemonset/ },
  { args: ["manifest", "rbac", "all"], code: 2, says: /"all" .* a word too many/ },
  { args: ["manifest", "rbac", "--image"], code: 2, says: /image .*its value is missing/ },
  { args: ["manifest", "configmap"], code: 2, says: /a ConfigMap holds a file with instances/ },
  { args: ["migrate"], code: 2, says: /file .*none is named/ },
  { args: ["migrate", "/not/there"], code: 2, says: /"\/not\/there" .*cannot be read/ },
  { args: ["migrate", "/f", "--foo"], files: { "/f": "a" }, code: 2, says: /no flag of this/ },
  {
    args: ["migrate", "/f"],
    files: { "/f": "a: b: c" },
    code: 2,
    says: /"\/f" .*right would be: YAML/,
  },
  { args: ["migrate", "/f"], files: { "/f": "" }, code: 2, says: /nothing of kube-vip in it/ },
  {
    args: ["migrate", "/f"],
    files: { "/f": "kind: Deployment\n---\nkind: Service\n" },
    code: 2,
    says: /nothing of kube-vip in it, but Deployment, Service/,
  },
  {
    args: ["migrate", "/f"],
    files: { "/f": "kind: ConfigMap\nmetadata: {name: kubevip}\ndata: {cidr-global: 10.0.0.0/24}" },
    code: 2,
    says: /pools alone/,
  },
  {
    args: ["migrate", "/f"],
    files: { "/f": "kind: ConfigMap\nmetadata: {name: kubevip}\ndata: {cidr-global: 5}" },
    code: 2,
    says: /pools alone/,
  },
  {
    args: ["migrate", "/f"],
    files: {
      "/f": [..."abcdefgh"].map((key, i, all) =>
        `${key}: &${key} [${Array(9).fill(i === 0 ? "x" : `*${all[i - 1]}`).join(",")}]\n`
      ).join(""),
    },
    code: 2,
    says: /"\/f" .*Excessive alias count.*right would be: YAML/,
  },
];

for (const { args, env, files, code: wanted, says } of cases) {
  const name = [...Object.keys(env ?? {}), ...args].join(" ");
  Deno.test(`runCli() says in a sentence what is wrong: ${name} (${says.source.slice(0, 30)})`, async () => {
    const { code, out, err } = await cli(args, env, files);
    assert.equal(code, wanted, err);
    assert.match(err, says);
    assert.equal(out, "");
    assert.doesNotMatch(err, /^\s*at |\.ts:\d|Error:/m);
  });
}

/** Against a cluster that is not there, one that is none, and credentials that are none. */
const TALKING = [["handover", "--to=node-2"], ["release"], ["classes"]];
for (const command of TALKING) {
  Deno.test({
    name: `runCli() says that no cluster can be reached, or that there is none: ${command[0]}`,
    // It looks at the interfaces first.
    ignore: command[0] === "release" && Deno.uid() !== 0,
    // The C library stays loaded.
    sanitizeResources: command[0] !== "release",
    async fn() {
      const path = await Deno.makeTempFile();
      const wrong = await Deno.makeTempFile();
      try {
        await Deno.writeTextFile(path, NOWHERE);
        await Deno.writeTextFile(wrong, "kind: Deployment");
        const flags = [...command, "--loadBalancerClass=a"];
        const nobody = await cli([...flags, `--kubeconfig=${path}`]);
        assert.equal(nobody.code, 4, nobody.err);
        assert.match(nobody.err, /https:\/\/127\.0\.0\.1:1/);
        assert.doesNotMatch(nobody.err, /secret-token|^\s*at /m);
        await Deno.writeTextFile(path, NOWHERE.replace("secret-token", "secret-token\\n"));
        const unsent = await cli([...flags, `--kubeconfig=${path}`]);
        assert.equal(unsent.code, 1, unsent.err);
        assert.match(unsent.err, /No credentials from kubeconfig .*a line break/);
        assert.doesNotMatch(unsent.err, /secret-token|^\s*at /m);
        const none = await cli([...flags, `--kubeconfig=${wrong}`]);
        assert.equal(none.code, 1, none.err);
        assert.match(none.err, new RegExp(wrong));
        const gone = await cli([...flags, "--kubeconfig=/not/there"]);
        assert.equal(gone.code, 1, gone.err);
        assert.match(gone.err, /\/not\/there/);
        assert.doesNotMatch(none.err + gone.err, /^\s*at /m);
      } finally {
        await Deno.remove(path);
        await Deno.remove(wrong);
      }
    },
  });
}

/** An API server that answers every request alike. */
for (const [status, wanted] of [[403, 5], [401, 5], [500, 1]] as const) {
  Deno.test(`runCli() tells by its exit code that the answer was ${status}`, async () => {
    const server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      () => Response.json({ kind: "Status", message: "told so", code: status }, { status }),
    );
    const path = await Deno.makeTempFile();
    try {
      const text = NOWHERE.replace("https://127.0.0.1:1", `http://127.0.0.1:${server.addr.port}`);
      await Deno.writeTextFile(path, text);
      const { code, err } = await cli(["handover", "--to=a", `--kubeconfig=${path}`]);
      assert.equal(code, wanted, err);
      assert.match(err, /told so/);
      assert.doesNotMatch(err, /secret-token|^\s*at /m);
    } finally {
      await server.shutdown();
      await Deno.remove(path);
    }
  });
}
