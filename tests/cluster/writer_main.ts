/**
 * A client that knows nothing of a cluster but one address: writes one small object after another,
 * each over a connection of its own, and reports what became of each.
 *
 *     writer_main.ts <url> <file with the CA> <token> <intervalMs> <deadlineMs>
 *
 * @module
 */

import { bootTimeMs } from "../../lib/sys/clock.ts";
import type { Write } from "./writer.ts";

const [url, caFile, token, intervalMs, deadlineMs] = Deno.args;
const caCerts = [Deno.readTextFileSync(caFile!)];
const client = Deno.createHttpClient({ caCerts, poolMaxIdlePerHost: 0 });
let serial = 0;

async function write(): Promise<Write> {
  const name = `write-${++serial}`;
  const atMs = bootTimeMs();
  try {
    const response = await fetch(`${url}/api/v1/namespaces/default/configmaps`, {
      method: "POST",
      client,
      signal: AbortSignal.timeout(Number(deadlineMs)),
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      body: JSON.stringify({ metadata: { name } }),
    });
    const text = await response.text();
    return response.status === 201
      ? { atMs, name, ok: true }
      : { atMs, name, ok: false, error: `${response.status} ${text.slice(0, 200)}` };
  } catch (error) {
    return { atMs, name, ok: false, error: String(error) };
  }
}

console.log(JSON.stringify({ ready: true }));
setInterval(async () => console.log(JSON.stringify(await write())), Number(intervalMs));
