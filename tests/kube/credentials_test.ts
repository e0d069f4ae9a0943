import assert from "node:assert/strict";
import { connect } from "../../lib/kube/client.ts";
import { loadCredentials } from "../../lib/kube/credentials.ts";
import type { Files } from "../../lib/kube/files.ts";
import { KubeconfigError, KubeError } from "../../lib/kube/errors.ts";
import { ScriptedServer, status } from "./server.ts";

const account = "/var/run/secrets/kubernetes.io/serviceaccount";
const caPem = "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n";
const keyPem = "-----BEGIN EC PRIVATE KEY-----\nAA==\n-----END EC PRIVATE KEY-----\n";
const pod = { KUBERNETES_SERVICE_HOST: "fd00::1", KUBERNETES_SERVICE_PORT: "443" };

/** Files in memory; a write changes the time. */
class FakeFiles implements Files {
  readonly contents = new Map<string, { text: string; modifiedMs: number }>();

  constructor(files: Record<string, string>) {
    for (const [path, text] of Object.entries(files)) this.write(path, text, 1);
  }

  write(path: string, text: string, modifiedMs: number): void {
    this.contents.set(path, { text, modifiedMs });
  }

  read(path: string): Promise<string> {
    const file = this.contents.get(path);
    return file ? Promise.resolve(file.text) : Promise.reject(new Error("does not exist"));
  }

  modifiedMs(path: string): Promise<number | undefined> {
    return Promise.resolve(this.contents.get(path)?.modifiedMs);
  }
}

function podFiles(): FakeFiles {
  return new FakeFiles({
    [`${account}/token`]: "first\n",
    [`${account}/ca.crt`]: caPem,
    [`${account}/namespace`]: "tenant-a",
  });
}

interface Parts {
  server?: string;
  cluster?: Record<string, unknown>;
  user?: Record<string, unknown>;
  more?: Record<string, unknown>;
}

function kubeconfig(
  { server = "https://10.0.0.1:6443/", cluster, user, more }: Parts = {},
): string {
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    "current-context": "main",
    contexts: [{ name: "main", context: { cluster: "c", user: "u", namespace: "net" } }],
    clusters: [{ name: "c", cluster: { server, ...cluster } }],
    users: [{ name: "u", user: user ?? { token: "abc" } }],
    ...more,
  });
}

const load = (text: string, files: Record<string, string> = {}) =>
  loadCredentials({
    kubeconfig: "/k/config",
    env: {},
    files: new FakeFiles({ "/k/config": text, ...files }),
  });

Deno.test("loadCredentials() takes the first source that is there", async (t) => {
  const all = podFiles();
  for (const path of ["/k/a", "/k/b", "/home/u/.kube/config", "/etc/kubernetes/admin.conf"]) {
    all.write(path, kubeconfig(), 1);
  }
  const env = { ...pod, KUBECONFIG: "/k/missing:/k/b", HOME: "/home/u" };
  const cases: [string, Parameters<typeof loadCredentials>[0], string][] = [
    ["the path given", { kubeconfig: "/k/a", env }, "kubeconfig /k/a, context main"],
    ["the pod's", { env }, "the pod's service account"],
    [
      "KUBECONFIG",
      { env: { ...env, KUBERNETES_SERVICE_HOST: undefined } },
      "kubeconfig /k/b, context main",
    ],
    ["home", { env: { HOME: "/home/u" } }, "kubeconfig /home/u/.kube/config, context main"],
    ["admin.conf", { env: {} }, "kubeconfig /etc/kubernetes/admin.conf, context main"],
  ];
  for (const [name, options, origin] of cases) {
    await t.step(name, async () => {
      assert.equal((await loadCredentials({ ...options, files: all })).origin, origin);
    });
  }
});

Deno.test("loadCredentials() says where it looked when nothing is there", async () => {
  const promise = loadCredentials({ env: { HOME: "/home/u" }, files: new FakeFiles({}) });
  await assert.rejects(promise, (error: Error) => {
    assert.ok(error instanceof KubeError && error.reason === "NoCredentials");
    for (const place of [account, "KUBECONFIG", "/home/u/.kube/config", "--kubeconfig"]) {
      assert.ok(error.message.includes(place), `${place} is not in: ${error.message}`);
    }
    return true;
  });
});

Deno.test("loadCredentials() reads the pod's server, authority, namespace and token", async () => {
  const credentials = await loadCredentials({ env: pod, files: podFiles() });
  assert.equal(credentials.server, "https://[fd00::1]:443");
  assert.equal(credentials.namespace, "tenant-a");
  assert.deepEqual(credentials.caCerts, [caPem]);
  assert.equal(await credentials.authorization(), "Bearer first");
});

Deno.test("loadCredentials() reads a kubeconfig's server, namespace and ways to authenticate", async (t) => {
  const data = { "client-certificate-data": btoa(caPem), "client-key-data": btoa(keyPem) };
  const cases: [string, Record<string, unknown>, string | undefined][] = [
    ["token", { token: "abc" }, "Bearer abc"],
    ["token file", { tokenFile: "token", token: "old" }, "Bearer from-file"],
    ["password", { username: "ä", password: "p" }, `Basic w6Q6cA==`],
    ["certificate", data, undefined],
    ["nothing", {}, undefined],
  ];
  for (const [name, user, authorization] of cases) {
    await t.step(name, async () => {
      const credentials = await load(kubeconfig({ user }), { "/k/token": "from-file\n" });
      assert.equal(credentials.server, "https://10.0.0.1:6443");
      assert.equal(credentials.namespace, "net");
      assert.equal(await credentials.authorization(), authorization);
      assert.equal(credentials.cert, user === data ? caPem : undefined);
      assert.equal(credentials.key, user === data ? keyPem : undefined);
    });
  }
});

Deno.test("loadCredentials() lets a server given replace the one found", async () => {
  const files = new FakeFiles({ "/k": kubeconfig() });
  const options = { kubeconfig: "/k", env: {}, files };
  const credentials = await loadCredentials({ ...options, server: "https://vip:6443/" });
  assert.equal(credentials.server, "https://vip:6443");
  await assert.rejects(
    loadCredentials({ ...options, server: "vip:6443" }),
    /"vip:6443" is not a URL/,
  );
});

Deno.test("loadCredentials() says in one sentence what is wrong with a kubeconfig", async (t) => {
  const cases: [string, string, RegExp][] = [
    ["not YAML", "a: [s3cret", /"\/k\/config" is not valid YAML/],
    ["empty", "", /"\/k\/config" is empty/],
    ["no context", kubeconfig({ more: { "current-context": "" } }), /has no current-context/],
    [
      "missing context",
      kubeconfig({ more: { contexts: [] } }),
      /current-context "main", which is not among its contexts/,
    ],
    ["missing cluster", kubeconfig({ more: { clusters: null } }), /names cluster "c".*not among/],
    ["missing user", kubeconfig({ more: { users: [] } }), /names user "u".*not among/],
    ["no server", kubeconfig({ server: "" }), /server is missing/],
    ["bad server", kubeconfig({ server: "10.0.0.1" }), /server "10.0.0.1" is not a URL/],
    [
      "a password in the URL",
      kubeconfig({ server: "https://me:s3cret@10.0.0.1:6443" }),
      /server holds a user name or password; give it in users/,
    ],
    [
      "a password in what is no URL",
      kubeconfig({ server: "ftp://me:s3cret@10.0.0.1" }),
      /server "ftp:\/\/\(hidden\)@10.0.0.1" is not a URL/,
    ],
    [
      "a proxy that is no URL",
      kubeconfig({ cluster: { "proxy-url": "ftp://me:s3cret@10.0.0.1" } }),
      /proxy-url "ftp:\/\/\(hidden\)@10.0.0.1" is not a URL such as http/,
    ],
    [
      "insecure",
      kubeconfig({ cluster: { "insecure-skip-tls-verify": true } }),
      /insecure-skip-tls-verify is not supported; give the cluster's certificate-authority/,
    ],
    ["impersonation", kubeconfig({ user: { as: "x" } }), /users\[\]\.user\.as/],
    [
      "half a certificate",
      kubeconfig({ user: { "client-key-data": btoa(keyPem) } }),
      /needs both client-certificate and client-key/,
    ],
    [
      "missing file",
      kubeconfig({ cluster: { "certificate-authority": "ca.crt" } }),
      /certificate-authority "\/k\/ca.crt" does not exist/,
    ],
    [
      "no PEM",
      kubeconfig({ cluster: { "certificate-authority-data": "s3cret?" } }),
      /certificate-authority-data from kubeconfig \/k\/config.* holds no CERTIFICATE in PEM/,
    ],
  ];
  for (const [name, text, expected] of cases) {
    await t.step(name, async () => {
      await assert.rejects(load(text), (error: Error) => {
        assert.ok(error instanceof KubeconfigError, String(error));
        assert.match(error.message, expected);
        assert.ok(!Deno.inspect(error).includes("s3cret"));
        return true;
      });
    });
  }
  await t.step("missing", async () => {
    const options = { kubeconfig: "/k/none", env: {}, files: new FakeFiles({}) };
    await assert.rejects(loadCredentials(options), /Kubeconfig "\/k\/none" does not exist/);
  });
});

Deno.test("authorization() follows a token that rotates", async (t) => {
  const files = podFiles();
  let nowMs = 0;
  const credentials = await loadCredentials({ env: pod, files, nowMs: () => nowMs });
  assert.equal(await credentials.authorization(), "Bearer first");
  await t.step("at once when the file's time changed", async () => {
    files.write(`${account}/token`, "second", 2);
    assert.equal(await credentials.authorization(), "Bearer second");
  });
  await t.step("after a minute whatever its time says", async () => {
    files.write(`${account}/token`, "third", 2);
    assert.equal(await credentials.authorization(), "Bearer second");
    nowMs += 60_000;
    assert.equal(await credentials.authorization(), "Bearer third");
  });
  await t.step("when forced", async () => {
    files.write(`${account}/token`, "fourth", 2);
    assert.equal(await credentials.authorization(true), "Bearer fourth");
  });
  await t.step("keeps the last while the file is away, unless forced", async () => {
    files.contents.delete(`${account}/token`);
    nowMs += 60_000;
    assert.equal(await credentials.authorization(), "Bearer fourth");
    await assert.rejects(credentials.authorization(true), KubeconfigError);
  });
});

Deno.test("authorization() reads a kubeconfig anew when forced", async () => {
  const files = new FakeFiles({ "/k": kubeconfig({ user: { token: "old" } }) });
  const credentials = await loadCredentials({ kubeconfig: "/k", env: {}, files });
  assert.equal(await credentials.authorization(), "Bearer old");
  files.write("/k", kubeconfig({ user: { token: "new" } }), 2);
  assert.equal(await credentials.authorization(true), "Bearer new");
});

Deno.test("authorization() runs an exec plugin once for all who wait, and again when forced", async () => {
  const directory = await Deno.makeTempDir();
  try {
    const plugin = `${directory}/plugin`;
    await Deno.writeTextFile(
      plugin,
      `#!/bin/sh
echo "$KUBERNETES_EXEC_INFO" > ${directory}/info
echo x >> ${directory}/runs
n=$(wc -l < ${directory}/runs | tr -d ' ')
echo '{"kind":"ExecCredential","status":{"token":"run-'$n'"}}'
`,
      { mode: 0o700 },
    );
    const exec = { apiVersion: "client.authentication.k8s.io/v1", command: plugin };
    await using server = new ScriptedServer((request) =>
      request.headers.get("authorization") === "Bearer run-2"
        ? Response.json({})
        : status(401, "Unauthorized", "Unauthorized")
    );
    const url = `http://127.0.0.1:${server.port}`;
    const credentials = await load(kubeconfig({ server: url, user: { exec } }));
    const both = [credentials.authorization(), credentials.authorization()];
    assert.deepEqual(await Promise.all(both), ["Bearer run-1", "Bearer run-1"]);
    using client = connect(credentials, { userAgent: "classvip/test" }).open();
    await client.request({ method: "GET", path: "/version" });
    assert.equal(await credentials.authorization(), "Bearer run-2");
    assert.match(await Deno.readTextFile(`${directory}/info`), /client.authentication.k8s.io\/v1/);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("authorization() says why an exec plugin failed", async () => {
  const exec = { command: "/bin/sh", args: ["-c", "echo log in first >&2; exit 1"] };
  const credentials = await load(kubeconfig({ user: { exec } }));
  await assert.rejects(credentials.authorization(), /log in first/);
});

Deno.test("authorization() says that an exec plugin cannot be started, or printed something else", async () => {
  const cases: [exec: { command: string; args?: string[] }, why: RegExp][] = [
    [{ command: "/not/there" }, /there is no such program/],
    [{ command: "/etc/passwd" }, /there is no such program/],
    [{ command: "classvip-not-there" }, /there is no such program/],
    [{ command: "/bin/false" }, /it failed, or printed no ExecCredential/],
    [{ command: "/bin/echo", args: ["{}"] }, /it failed, or printed no ExecCredential/],
    [{ command: "/bin/echo", args: ["token"] }, /it failed, or printed no ExecCredential/],
  ];
  for (const [exec, why] of cases) {
    const credentials = await load(kubeconfig({ user: { exec } }));
    await assert.rejects(credentials.authorization(), (error: Error) => {
      assert.ok(error.message.startsWith(`exec plugin "${exec.command}" gave no credentials: `));
      assert.match(error.message, why);
      return true;
    });
  }
});

Deno.test("authorization() quotes no secret of what failed", async (t) => {
  const command = "/bin/false";
  const users: Record<string, Record<string, unknown>> = {
    "exec plugin": { exec: { command, args: ["s3cret"], env: [{ name: "A", value: "s3cret" }] } },
    "command of an auth-provider": {
      "auth-provider": {
        name: "gcp",
        config: {
          "access-token": "s3cret",
          expiry: "2001-01-01",
          "cmd-path": command,
          "cmd-args": "s3cret",
        },
      },
    },
    "identity provider": {
      "auth-provider": {
        name: "oidc",
        config: {
          ...{ "id-token": "s3cret", "refresh-token": "s3cret", "client-secret": "s3cret" },
          ...{ "client-id": "a", "idp-issuer-url": "http://127.0.0.1:1" },
        },
      },
    },
  };
  for (const [name, user] of Object.entries(users)) {
    await t.step(name, async () => {
      const credentials = await load(kubeconfig({ user }));
      await assert.rejects(credentials.authorization(), (error: Error) => {
        assert.doesNotMatch(Deno.inspect(error), /s3cr/);
        return true;
      });
    });
  }
  await t.step("proxy", async () => {
    const cluster = { "proxy-url": "http://me:s3cret@127.0.0.1:1" };
    const credentials = await load(kubeconfig({ cluster, user: { token: "s3cret" } }));
    using client = connect(credentials, { userAgent: "classvip/test" }).open();
    await assert.rejects(client.request({ method: "GET", path: "/version" }), (error: Error) => {
      assert.doesNotMatch(Deno.inspect(error), /s3cr/);
      return true;
    });
  });
});

Deno.test("authorization() says that an id-token has expired, which nothing here renews", async () => {
  const expired = `e30.${btoa('{"exp":1}')}.x`;
  const config = {
    ...{ "id-token": expired, "refresh-token": "r", "client-id": "a" },
    "idp-issuer-url": "https://127.0.0.1:1",
  };
  const user = { "auth-provider": { name: "oidc", config } };
  const credentials = await load(kubeconfig({ user }));
  await assert.rejects(
    credentials.authorization(),
    /^Error: the id-token of auth-provider "oidc" has expired, .*; right would be an exec plugin/,
  );
});

Deno.test("authorization() refuses a token that no header can carry, and does not say it", async () => {
  for (const token of ["s3cret\ns3cret", "s3cret\u2028", "s3crét"]) {
    const credentials = await load(kubeconfig({ user: { token } }));
    using client = connect(credentials, { userAgent: "classvip/test" }).open();
    await assert.rejects(client.request({ method: "GET", path: "/version" }), (error: Error) => {
      assert.match(error.message, /^No credentials from kubeconfig .*: the token has a line break/);
      assert.doesNotMatch(Deno.inspect(error), /s3cr/);
      return true;
    });
  }
});
