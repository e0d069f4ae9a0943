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

/** To be sent elsewhere. */
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
  ["classes"],
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
    {
      args: [...command, "--no-alsoClassless"],
      code: 2,
      says: /no such flag; right would be: --alsoClassless=false$/m,
    },
    {
      args: [...command, "--alsoClassless=maybe"],
      code: 2,
      says: /alsoClassless = "maybe" .*not a boolean/,
    },
    {
      args: [...command, "--alsoClassless", "--alsoClassless=false"],
      code: 2,
      says: /alsoClassless = "false" .*flag --alsoClassless says "true"/,
    },
    { args: [...command, "--qqqq=a"], code: 2, says: /one of those that `classvip help` lists/ },
    { args: [...command, "--leaseDuration"], code: 2, says: /its value is missing/ },
    { args: [...command, "--leaseDuration=soon"], code: 2, says: /leaseDuration = "soon"/ },
    {
      args: [...command, "--config=/not/there"],
      code: 2,
      says: /config = "\/not\/there" .*: does not exist;/,
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
      args: [...command, "--config=/c"],
      files: { "/c": "# later\n" },
      code: 2,
      says: /config = "\/c" .*: says nothing;/,
    },
    {
      args: [...command],
      env: { CLASSVIP_LEASE_DURATON: "5s" },
      code: 2,
      says: /no such setting; right would be: CLASSVIP_LEASE_DURATION/,
    },
  ]),
  // Flags of one command are no settings, and have neighbours of their own.
  { args: ["config", "--ouput=json"], code: 2, says: /no such flag; right would be: --output$/m },
  { args: ["config", "--shcema"], code: 2, says: /no such flag; right would be: --schema$/m },
  { args: ["classes", "--outptu=json"], code: 2, says: /right would be: --output$/m },
  { args: ["handover", "--two=n"], code: 2, says: /flag --two.*right would be: --to$/m },
  { args: ["manifest", "rbac", "--imagee=x"], code: 2, says: /right would be: --image$/m },
  { args: ["migrate", "/f", "--imagee=x"], code: 2, says: /right would be: --image$/m },
  { args: ["migrate", "/f", "--namespce=x"], code: 2, says: /right would be: --namespace$/m },
  { args: ["classes", "all"], code: 2, says: /a word too many/ },
  { args: ["release", "all"], code: 2, says: /a word too many/ },
  {
    args: ["migrate", "/f"],
    files: { "/f": "\u0000\u0001\u007fELF" },
    code: 2,
    says: /but no object/,
  },
  { args: ["migrate", "/f"], files: { "/f": "a: *b" }, code: 2, says: /Unresolved alias.*YAML/ },
  {
    args: ["config", "--config=/c"],
    files: { "/c": "leaseAnnotations: &a {b: *a}" },
    code: 2,
    says: /leaseAnnotations \(file \/c:1\): not a value of the right shape/,
  },
  {
    args: ["config", "--config=/c"],
    files: { "/c": "leaseAnnotations: {a: *b}" },
    code: 2,
    says: /leaseAnnotations \(file \/c:1\): not a value of the right shape/,
  },
  {
    args: ["config", "--config=/c"],
    files: { "/c": "a: [\nb: {\n}: c" },
    code: 2,
    says: /^classvip: 1 wrong setting\n.*valid YAML$/,
  },
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
  { args: ["config", "--schema=maybe"], code: 2, says: /schema = "maybe" .*not a boolean/ },
  { args: ["config", "--schema="], code: 2, says: /schema = "" .*not a boolean/ },
  { args: ["config", "--schema", "--schema=false"], code: 2, says: /flag --schema says "true"/ },
  { args: ["config", "--no-schema"], code: 2, says: /right would be: --schema=false$/m },
  { args: ["--help=maybe"], code: 2, says: /help = "maybe" .*not a boolean/ },
  { args: ["--version="], code: 2, says: /version = "" .*not a boolean/ },
  { args: ["config", "--schema", "--a"], code: 2, says: /no flag beside --schema/ },
  { args: ["version", "--a"], code: 2, says: /no flag of this command/ },
  { args: ["help", "me"], code: 2, says: /a word too many/ },
  { args: ["manifest"], code: 2, says: /no kind is named; right would be: one of daemonset/ },
  { args: ["manifest", "dameonset"], code: 2, says: /no such kind; right would be: daemonset/ },
  { args: ["manifest", "rbac", "all"], code: 2, says: /"all" .* a word too many/ },
  { args: ["manifest", "rbac", "--name=A b"], code: 2, says: /name = "A b" \(flag --name\)/ },
  { args: ["manifest", "rbac", `--name=${"a".repeat(64)}`], code: 2, says: /a shorter name/ },
  { args: ["manifest", "rbac", "--image"], code: 2, says: /image .*its value is missing/ },
  { args: ["manifest", "configmap"], code: 2, says: /a ConfigMap holds a file with instances/ },
  { args: ["migrate"], code: 2, says: /file .*none is named/ },
  { args: ["migrate", "/not/there"], code: 2, says: /"\/not\/there" .*: does not exist;/ },
  { args: ["migrate", "/f", "--foo"], files: { "/f": "a" }, code: 2, says: /no flag of this/ },
  {
    args: ["migrate", "/f"],
    files: { "/f": "a: b: c" },
    code: 2,
    says: /"\/f" .*right would be: YAML/,
  },
  { args: ["migrate", "/f"], files: { "/f": "" }, code: 2, says: /"\/f" .*is empty/ },
  {
    args: ["migrate", "-"],
    files: { "-": "kind: Deployment" },
    code: 2,
    says: /"-" .*nothing of kube-vip in it, but Deployment/,
  },
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

/** Commands that ask the API server, of which some look at the interfaces first. */
const TALKING = [["run"], ["classes"], ["handover", "--to=node-2"], ["release"]];
const LOOKING = ["run", "release"];

/** What may be in the place of a kubeconfig. */
const KUBECONFIGS: [what: string, content: string | Uint8Array | undefined, says: RegExp][] = [
  ["nothing", undefined, /"\S+" does not exist/],
  ["a folder", "folder", /"\S+" is a folder, no file/],
  ["an empty file", "", /"\S+" is empty or not a mapping/],
  [
    "a program",
    new Uint8Array([0x7f, 0x45, 0x4c, 0x46, 0, 1, 2, 255]),
    /not a mapping|not valid YAML/,
  ],
  ["YAML of another kind", "kind: Deployment", /"\S+" is none: its kind is Deployment, not Config/],
  ["a kubeconfig without a context", "kind: Config", /has no current-context; set it with/],
  ["broken YAML", "a: [", /is not valid YAML/],
];

function assertSentence(err: string): void {
  assert.doesNotMatch(err, /secret-token|^\s*at |\.[jt]s:\d|\w+Error:/m);
}

/** The C library stays loaded; the interfaces are looked at with capabilities alone. */
function needing(command: string): { ignore: boolean; sanitizeResources: boolean } {
  const looks = LOOKING.includes(command);
  return { ignore: looks && Deno.uid() !== 0, sanitizeResources: !looks };
}

for (const command of TALKING) {
  for (const [what, content, says] of KUBECONFIGS) {
    Deno.test({
      name: `runCli() says that ${what} is no kubeconfig: ${command[0]}`,
      ...needing(command[0]!),
      async fn() {
        const folder = await Deno.makeTempDir();
        const path = `${folder}/kubeconfig`;
        try {
          if (content === "folder") await Deno.mkdir(path);
          else if (content instanceof Uint8Array) await Deno.writeFile(path, content);
          else if (content !== undefined) await Deno.writeTextFile(path, content);
          const flags = ["--loadBalancerClass=a", `--kubeconfig=${path}`];
          const { code, err } = await cli([...command, ...flags]);
          assert.equal(code, 2, err);
          assert.match(err, says);
          assertSentence(err);
        } finally {
          await Deno.remove(folder, { recursive: true });
        }
      },
    });
  }
}

/** `run` waits for the API server instead: a scenario of its own. */
const ASKING = TALKING.filter(([command]) => command !== "run");
for (const command of ASKING) {
  Deno.test({
    name: `runCli() says that no cluster can be reached: ${command[0]}`,
    ...needing(command[0]!),
    async fn() {
      // Who has just left it is not followed by another one at once.
      const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
      const { port } = listener.addr as Deno.NetAddr;
      listener.close();
      const { code, err } = await ask(command, `https://127.0.0.1:${port}`);
      assert.equal(code, 4, err);
      assert.match(
        err,
        new RegExp(`https://127.0.0.1:${port} cannot be reached: connection refused`),
      );
      assertSentence(err);
    },
  });

  Deno.test({
    name: `runCli() says that no header can carry the token, and not the token: ${command[0]}`,
    ...needing(command[0]!),
    async fn() {
      const token = "secret-token\\nsecret-token";
      const { code, err } = await ask(command, "https://127.0.0.1:1", token);
      assert.equal(code, 5, err);
      assert.match(err, /No credentials from kubeconfig .*a line break/);
      assertSentence(err);
    },
  });

  for (const [status, wanted] of [[403, 5], [401, 5], [500, 1]] as const) {
    Deno.test({
      name: `runCli() tells by its exit code that the answer was ${status}: ${command[0]}`,
      ...needing(command[0]!),
      async fn() {
        await using server = Deno.serve(
          { hostname: "127.0.0.1", port: 0, onListen: () => {} },
          () => Response.json({ kind: "Status", message: "told so", code: status }, { status }),
        );
        const { code, err } = await ask(command, `http://127.0.0.1:${server.addr.port}`);
        assert.equal(code, wanted, err);
        assert.match(err, /told so/);
        assertSentence(err);
      },
    });
  }

  Deno.test({
    name: `runCli() takes another server's 404 for no word about Leases: ${command[0]}`,
    ...needing(command[0]!),
    async fn() {
      await using server = Deno.serve(
        { hostname: "127.0.0.1", port: 0, onListen: () => {} },
        () => new Response("404 page not found", { status: 404 }),
      );
      const { code, err } = await ask(command, `http://127.0.0.1:${server.addr.port}`);
      assert.equal(code, 1, err);
      assert.match(err, /answered 404 Not Found: 404 page not found$/m);
      assertSentence(err);
    },
  });

  Deno.test({
    name: `runCli() says that what answers is no API server: ${command[0]}`,
    ...needing(command[0]!),
    async fn() {
      await using server = Deno.serve(
        { hostname: "127.0.0.1", port: 0, onListen: () => {} },
        () => new Response("<html>It works!</html>"),
      );
      const { code, err } = await ask(command, `http://127.0.0.1:${server.addr.port}`);
      assert.equal(code, 4, err);
      assert.match(err, /not JSON/);
      assertSentence(err);
    },
  });
}

async function ask(
  command: readonly string[],
  server: string,
  token = "secret-token",
): ReturnType<typeof cli> {
  const path = await Deno.makeTempFile();
  try {
    await Deno.writeTextFile(
      path,
      NOWHERE.replace("https://127.0.0.1:1", server).replace("secret-token", token),
    );
    return await cli([...command, "--loadBalancerClass=a", `--kubeconfig=${path}`]);
  } finally {
    await Deno.remove(path);
  }
}
