import { runAgent } from "../agent/agent.ts";
import { type KeyFile, loadBeaconKeys } from "../config/beacon_key.ts";
import type { Health } from "../agent/health.ts";
import { ServiceManager } from "../agent/service_manager.ts";
import type { ProcessConfig } from "../config/instance.ts";
import type { LoadedConfig } from "../config/load.ts";
import { BEACON_MAC } from "../net/beacon.ts";
import {
  ETHERTYPE_ARP,
  ETHERTYPE_BEACON,
  ETHERTYPE_HANDOVER,
  ETHERTYPE_IPV6,
} from "../net/ethernet.ts";
import { createLogger } from "../observe/log.ts";
import { missingCapabilities } from "../sys/capabilities.ts";
import { BootClock, monotonicTimeUs } from "../sys/clock.ts";
import { incarnation } from "../sys/incarnation.ts";
import { holdLock } from "../sys/lock.ts";
import { NEIGHBOR_DISCOVERY } from "../sys/packet_filter.ts";
import { PacketSocket } from "../sys/packet_socket.ts";
import { LinuxNetwork } from "../sys/network.ts";
import { NotifySocket, watchdogMs } from "../sys/sd_notify.ts";
import { arpIgnore, Tun } from "../sys/tun.ts";
import { readFile } from "../read_file.ts";
import { VERSION } from "../version.ts";
import { loadClients } from "./clients.ts";
import type { CliContext } from "./context.ts";
import { FilePlans } from "./reload.ts";

/** A handover takes about this long; a line costs it half a millisecond. */
const LOG_DELAY_MS = 25;
/** 64 frames each so often are some 6,000 a second, and a sixth of a core. */
const REST_MS = 10;

/**
 * `classvip run`: serves until SIGTERM or SIGINT, then withdraws, verifies and releases. Takes over
 * the instances of a file that changes, at once with SIGHUP.
 *
 * @param load loads the settings once more
 */
export async function run(
  context: CliContext,
  loaded: LoadedConfig,
  load: () => Promise<LoadedConfig>,
): Promise<number> {
  const { config, warnings } = loaded;
  let { logLevel } = config;
  const lines = createLogger({
    level: logLevel,
    format: config.logFormat,
    later: (flush) => void setTimeout(flush, LOG_DELAY_MS),
  });
  using _ = { [Symbol.dispose]: () => lines.flush() };
  const logger = lines.with({}, () => logLevel);
  for (const warning of warnings) logger.warn(warning);
  const loadKeys = async ({ instances }: ProcessConfig) => {
    const { keys, warnings } = await loadBeaconKeys(instances, readKey);
    for (const warning of warnings) logger.warn(warning);
    return keys;
  };
  const keys = await loadKeys(config);
  requireCapabilities();
  const clients = await loadClients(context, config);
  using network = new LinuxNetwork();
  const { NOTIFY_SOCKET } = context.env;
  using notify = NOTIFY_SOCKET ? new NotifySocket(NOTIFY_SOCKET) : undefined;
  let manager: ServiceManager | undefined;
  const stop = new AbortController();
  const onSignal = () => {
    if (!stop.signal.aborted) logger.info("stopping: withdraws, verifies, releases");
    manager?.stopping();
    stop.abort();
  };
  const signals = ["SIGTERM", "SIGINT"] as const;
  for (const signal of signals) Deno.addSignalListener(signal, onSignal);
  const clock = new BootClock();
  let filePlans: FilePlans | undefined;
  const onHangup = () => {
    if (filePlans !== undefined) {
      manager?.reloading();
      filePlans.reload();
    } else logger.warn("SIGHUP: there is no settings file to read again, --config names one");
  };
  Deno.addSignalListener("SIGHUP", onHangup);
  logger.info("starting", {
    node: config.nodeName,
    version: VERSION,
    instances: config.instances.map(({ name }) => name),
  });
  try {
    await runAgent({
      config,
      version: VERSION,
      clients,
      network,
      ...context.env["KUBERNETES_SERVICE_HOST"] && {
        reserved: [[context.env["KUBERNETES_SERVICE_HOST"], "the cluster IP of the API server"]],
      },
      openHandovers: () => PacketSocket.open({ etherType: ETHERTYPE_HANDOVER, restMs: REST_MS }),
      openClaims: [
        () => PacketSocket.open({ etherType: ETHERTYPE_ARP, restMs: REST_MS }),
        () =>
          PacketSocket.open({
            etherType: ETHERTYPE_IPV6,
            filter: NEIGHBOR_DISCOVERY,
            restMs: REST_MS,
          }),
      ],
      clock,
      incarnation: incarnation(),
      holdLock,
      random: Math.random,
      wallClockMs: Date.now,
      logger,
      keys,
      ...(notify && {
        serviceManager: (health: Health) =>
          manager = new ServiceManager({
            send: (state) => notify.send(state),
            watchdogMs: watchdogMs(context.env, Deno.pid),
            monotonicTimeUs,
            health,
            clock,
            logger,
          }),
      }),
      fast: { openBeacons, openDevice: () => Tun.open(), arpIgnore },
      ...(loaded.file && {
        plans: (reloaded: (ok: boolean) => void) =>
          filePlans = new FilePlans({
            first: loaded,
            readTextFile: (path) => context.readTextFile(path),
            load,
            loadKeys,
            reloaded: (ok) => {
              reloaded(ok);
              manager?.reloaded(ok);
            },
            adjustProcess: (config) => logLevel = config.logLevel,
            links: () => network.links(),
            clock,
            logger,
          }),
      }),
    }, stop.signal);
    logger.info("stopped");
    return 0;
  } finally {
    for (const signal of signals) Deno.removeSignalListener(signal, onSignal);
    Deno.removeSignalListener("SIGHUP", onHangup);
  }
}

async function readKey(path: string): Promise<KeyFile> {
  const bytes = await readFile(path);
  return { bytes, mode: (await Deno.stat(path)).mode };
}

function openBeacons(linkIndex: number): PacketSocket {
  return PacketSocket.open({
    etherType: ETHERTYPE_BEACON,
    linkIndex,
    group: BEACON_MAC,
    restMs: REST_MS,
  });
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
