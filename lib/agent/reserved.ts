import type { Clock } from "../election/clock.ts";
import { parseIp } from "../net/ip.ts";
import type { Network } from "../net/link.ts";
import type { Logger } from "../observe/logger.ts";

/** Routes change seldom, and a node may have very many. */
const ROUTES_AGE_MS = 30_000;

/**
 * Makes the function that says which addresses no Service may have, and what they are: fixed ones,
 * and the routers of this node. Those are read at once, and anew behind a question when they were
 * read long ago: nobody waits for them.
 */
export function reservedAddresses(
  { fixed, network, clock, logger }: {
    fixed: readonly (readonly [address: string, purpose: string])[];
    network: Pick<Network, "gateways">;
    clock: Pick<Clock, "nowMs">;
    logger: Pick<Logger, "error">;
  },
): () => ReadonlyMap<string, string> {
  // As a URL or a variable has it: in brackets, or not in its shortest form.
  const canonical = fixed.map(([address, purpose]) =>
    [parseIp(address.replace(/^\[(.*)\]$/, "$1"))?.text ?? address, purpose] as const
  );
  let known: ReadonlyMap<string, string> = new Map(canonical);
  let readMs = -Infinity;
  const read = () => {
    readMs = clock.nowMs();
    try {
      const routers = network.gateways().map(({ text }) =>
        [text, "a gateway of this node"] as const
      );
      known = new Map([...routers, ...canonical]);
    } catch (error) {
      logger.error("could not read the gateways, those from before are kept from Services", {
        error,
      });
    }
  };
  read();
  return () => {
    if (clock.nowMs() - readMs >= ROUTES_AGE_MS) {
      readMs = clock.nowMs();
      queueMicrotask(read);
    }
    return known;
  };
}
