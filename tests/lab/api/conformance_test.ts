import { cases, runCase } from "./conformance.ts";
import { ApiServer } from "./server.ts";

for (const one of cases) {
  Deno.test(`ApiServer does as kube-apiserver: ${one.name}`, async () => {
    await using server = await ApiServer.start({
      users: new Map([["admin-token", "admin"]]),
      authorize: (token) => token === "admin-token",
    });
    await runCase({
      url: server.url,
      headers: { authorization: "Bearer admin-token" },
      enforcesRights: true,
      forget: () => Promise.resolve(server.store.compact()),
    }, one);
  });
}
