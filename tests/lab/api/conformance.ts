import { listCases } from "./cases/lists.ts";
import { resourceCases } from "./cases/resources.ts";
import { serverCases } from "./cases/server.ts";
import { serviceCases } from "./cases/services.ts";
import { watchCases } from "./cases/watches.ts";
import { writeCases } from "./cases/writes.ts";
import { accepted, type Case, Session, type Target } from "./session.ts";

export type { Case, Target };

/** All cases; each runs in a new namespace. */
export const cases: Case[] = [
  ...serverCases,
  ...serviceCases,
  ...writeCases,
  ...resourceCases,
  ...listCases,
  ...watchCases,
];

/** Runs a case in a namespace of its own. */
export async function runCase(target: Target, one: Case): Promise<void> {
  const namespace = `case-${crypto.randomUUID().slice(0, 8)}`;
  const session = new Session(target, namespace);
  const body = { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } };
  accepted(await session.post("/api/v1/namespaces", body), 201);
  await one.run(session);
}
