import { runAgent } from "../agent/agent.ts";
import { type KeyFile, loadBeaconKeys } from "../config/beacon_key.ts";
import type { LoadedConfig } from "../config/load.ts";
import { connect } from "../kube/client.ts";
import { loadCredentials } from "../kube/credentials.ts";
import { BEACON_MAC } from "../net/beacon.ts";
import { ETHERTYPE_ARP, ETHERTYPE_BEACON } from "../net/ethernet.ts";
import { createLogger } from "../observe/log.ts";
import { missingCapabilities } from "../sys/capabilities.ts";
import { BootClock } from "../sys/clock.ts";
import { incarnation } from "../sys/incarnation.ts";
import { holdLock } from "../sys/lock.ts";
import { PacketSocket } from "../sys/packet_socket.ts";
import { LinuxNetwork } from "../sys/network.ts";
import { arpIgnore, Tun } from "../sys/tun.ts";
import { VERSION } from "../version.ts";
import type { CliContext } from "./context.ts";

/** A handover takes about this long; a line costs it half a millisecond. */
const LOG_DELAY_MS = 25;

/** `classvip run`: serves until SIGTERM or SIGINT, then withdraws, verifies and releases. */
export async function run(
  context: CliContext,
  { config, warnings }: LoadedConfig,
): Promise<number> {
  const logger = createLogger({
    level: config.logLevel,
    format: config.logFormat,
    later: (flush) => void setTimeout(flush, LOG_DELAY_MS),
  });
  using _ = { [Symbol.dispose]: () => logger.flush() };
  for (const warning of warnings) logger.warn(warning);
  const { keys, warnings: keyWarnings } = await loadBeaconKeys(config.instances, readKey);
  for (const warning of keyWarnings) logger.warn(warning);
  requireCapabilities();
  const credentials = await loadCredentials({
    kubeconfig: config.kubeconfig,
    server: config.kubernetesServer,
    env: context.env,
  });
  using network = new LinuxNetwork();
  const stop = new AbortController();
  const onSignal = () => {
    if (!stop.signal.aborted) logger.info("stopping: withdraws, verifies, releases");
    stop.abort();
  };
  const signals = ["SIGTERM", "SIGINT"] as const;
  for (const signal of signals) Deno.addSignalListener(signal, onSignal);
  logger.info("starting", {
    node: config.nodeName,
    version: VERSION,
    instances: config.instances.map(({ name }) => name),
  });
  try {
    await runAgent({
      config,
      version: VERSION,
      clients: connect(credentials, { userAgent: `classvip/${VERSION}` }),
      network,
      openArp: () => PacketSocket.open({ etherType: ETHERTYPE_ARP }),
      clock: new BootClock(),
      incarnation: incarnation(),
      holdLock,
      random: Math.random,
      wallClockMs: Date.now,
      logger,
      ...(keys.size > 0 &&
        { fast: { keys, openBeacons, openDevice: () => Tun.open(), arpIgnore } }),
    }, stop.signal);
    logger.info("stopped");
    return 0;
  } finally {
    for (const signal of signals) Deno.removeSignalListener(signal, onSignal);
  }
}

async function readKey(path: string): Promise<KeyFile> {
  const bytes = await Deno.readFile(path);
  return { bytes, mode: (await Deno.stat(path)).mode };
}

function openBeacons(linkIndex: number): PacketSocket {
  return PacketSocket.open({ etherType: ETHERTYPE_BEACON, linkIndex, group: BEACON_MAC });
}

/** @throws a sentence that says what to grant */
export function requireCapabilities(): void {
  const missing = missingCapabilities();
  if (missing.length === 0) return;
  throw new Error(
    `${missing.join(" and ")} missing: run as root, or grant the capability ` +
      "(securityContext.capabilities.add in Kubernetes, AmbientCapabilities in systemd)",
  );
}
