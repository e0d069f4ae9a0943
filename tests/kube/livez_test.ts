import assert from "node:assert/strict";
import { livezProblem } from "../../lib/kube/livez.ts";
import { makeServerCertificate, type ServerCertificate } from "../lab/api/certificate.ts";
import { fakeCredentials } from "./server.ts";

const DEADLINE_MS = 5000;

async function ask(
  answer: (request: Request) => Response | Promise<Response>,
  { names = ["127.0.0.1"], trust, deadlineMs = DEADLINE_MS }: {
    names?: string[];
    trust?: ServerCertificate;
    deadlineMs?: number;
  } = {},
): Promise<string | undefined> {
  const certificate = await makeServerCertificate(names);
  const { cert, key } = certificate;
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, cert, key, onListen() {} },
    answer,
  );
  const url = `https://127.0.0.1:${server.addr.port}`;
  const caCerts = [(trust ?? certificate).caCert];
  const authorization = () => Promise.resolve("Bearer x");
  const credentials = fakeCredentials("https://10.0.0.10:6443", { caCerts, authorization });
  return await livezProblem(credentials, url, deadlineMs);
}

Deno.test("livezProblem() finds nothing wrong with a 200, asked with the credentials", async () => {
  const problem = await ask((request) => {
    const asked = new URL(request.url).pathname + request.headers.get("authorization");
    return new Response("ok", { status: asked === "/livezBearer x" ? 200 : 400 });
  });
  assert.equal(problem, undefined);
});

Deno.test("livezProblem() quotes any other answer", async () => {
  const problem = await ask(() => new Response("[-]etcd failed", { status: 500 }));
  assert.match(problem!, /^https:\/\/127.*\/livez answered 500 \[-\]etcd failed$/);
  assert.match((await ask(() => new Response("", { status: 403 })))!, /answered 403$/);
  const elsewhere = (request: Request) =>
    request.url.endsWith("/livez")
      ? new Response("", { status: 302, headers: { location: "/ok" } })
      : new Response("ok");
  assert.match((await ask(elsewhere))!, /answered 302$/);
});

Deno.test("livezProblem() trusts the kubeconfig's authority only, and the server's own name", async () => {
  const ok = () => new Response("ok");
  const trust = await makeServerCertificate(["127.0.0.1"]);
  assert.match((await ask(ok, { trust }))!, /unknown authority|not valid/);
  assert.match((await ask(ok, { names: ["kubernetes", "10.0.0.10"] }))!, /does not name this host/);
});

Deno.test("livezProblem() gives up a server that hangs", async () => {
  const { promise, resolve } = Promise.withResolvers<Response>();
  const problem = ask(() => promise, { deadlineMs: 50 });
  setTimeout(() => resolve(new Response("ok")), 2000);
  assert.match((await problem)!, /did not answer within 50 ms/);
});
