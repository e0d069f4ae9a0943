import { run } from "./command.ts";
import { LabHost } from "./host.ts";

export interface LabOptions {
  /** How many nodes: node-1, node-2, … */
  nodes: number;
}

/** The IPv4 network of the bridge, 10.77.0.0/22: scenarios, each with VIPs of its own, need more than a /24. */
const PREFIX = "10.77.";
const BITS = 22;

/** The IPv6 network of the bridge, a /64 beside the IPv4 one: the same host numbers in it. */
const PREFIX6 = "fd77::";

/** Host numbers in the subnet: the gateway, the client, and what is added to a node's number. */
const GATEWAY = 1;
const CLIENT = 2;
const NODES = 10;

const MAIN_BRIDGE = "lab";
const OTHER_BRIDGE = "lab-cut";
/** No STP, no learning delay: a port forwards at once. Snooping would hold back neighbour discovery. */
const BRIDGE = "type bridge stp_state 0 forward_delay 0 mcast_snooping 0";

/**
 * Nodes and a client on one bridge, each a network namespace of its own. The bridge is in the
 * namespace of this process, which must be a fresh one (see enter.ts), and so is the gateway's
 * address, where the API server listens.
 *
 * @example
 * ```ts
 * await using lab = await Lab.create({ nodes: 3 });
 * await lab.nodes[0]!.linkDown();
 * ```
 */
export class Lab implements AsyncDisposable {
  readonly nodes: readonly LabHost[];
  /** A Linux peer with an ARP cache of its own. */
  readonly client: LabHost;
  /** Address of this process on the bridge. */
  readonly gatewayIp: string;
  /** The bridge, an interface of this process' namespace. */
  readonly bridge = MAIN_BRIDGE;
  readonly #stack: AsyncDisposableStack;

  private constructor(
    nodes: readonly LabHost[],
    client: LabHost,
    stack: AsyncDisposableStack,
  ) {
    this.nodes = nodes;
    this.client = client;
    this.gatewayIp = this.address(GATEWAY);
    this.#stack = stack;
  }

  /** @throws {Error} when this process is not in a fresh network namespace, or a step fails. */
  static async create({ nodes }: LabOptions): Promise<Lab> {
    await refuseForeignNamespace();
    await using stack = new AsyncDisposableStack();
    stack.defer(() => removeBridges());
    await run(
      ["ip", "-batch", "-"],
      // A bridge without a MAC of its own takes one of its ports', and forgets all neighbours when
      // that port goes: also those by which a host is cut off.
      `link set lo up
       link add ${MAIN_BRIDGE} address 02:77:00:00:01:01 ${BRIDGE}
       link add ${OTHER_BRIDGE} address 02:77:00:00:01:02 ${BRIDGE}
       address add ${address(GATEWAY)}/${BITS} dev ${MAIN_BRIDGE}
       address add ${PREFIX6}${GATEWAY}/64 dev ${MAIN_BRIDGE} nodad
       link set ${MAIN_BRIDGE} up
       link set ${OTHER_BRIDGE} up`,
    );
    const plug = async (name: string, host: number) =>
      stack.use(
        await LabHost.create({
          name,
          bridge: MAIN_BRIDGE,
          ip: address(host),
          bits: BITS,
          ip6: `${PREFIX6}${host}`,
          gatewayIp: address(GATEWAY),
          mac: `02:77:00:00:00:${host.toString(16).padStart(2, "0")}`,
        }),
      );
    const started = await Promise.allSettled([
      plug("client", CLIENT),
      ...Array.from({ length: nodes }, (_, i) => plug(`node-${i + 1}`, NODES + i + 1)),
    ]);
    const hosts = started.map((result) => {
      if (result.status === "rejected") throw result.reason;
      return result.value;
    });
    return new Lab(hosts.slice(1), hosts[0]!, stack.move());
  }

  /** @returns the address of the subnet with this host number; 100 to 1022 are free for VIPs. */
  address(host: number): string {
    return address(host);
  }

  /** As {@linkcode address}, of the IPv6 network: fd77::/64. */
  address6(host: number): string {
    return `${PREFIX6}${host}`;
  }

  /**
   * These hosts hear each other and nobody else, neither the other hosts nor the API server; their
   * carrier stays. A former partition is healed first.
   */
  async partition(hosts: readonly LabHost[]): Promise<void> {
    await this.heal();
    await Promise.all(hosts.map((host) => host.plugInto(OTHER_BRIDGE)));
  }

  /** All hosts hear each other again. */
  async heal(): Promise<void> {
    await Promise.all([...this.nodes, this.client].map((host) => host.plugInto(MAIN_BRIDGE)));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }
}

function address(host: number): string {
  return `${PREFIX}${host >> 8}.${host & 255}`;
}

/** A lab in the machine's own namespace could take away its network. */
async function refuseForeignNamespace(): Promise<void> {
  const links: { ifname: string; flags: string[] }[] = JSON.parse(await run(["ip", "-j", "link"]));
  const foreign = links.find(({ ifname, flags }) => ifname !== "lo" && flags.includes("UP"));
  if (foreign === undefined) return;
  throw new Error(
    `This network namespace is in use (interface "${foreign.ifname}"): ` +
      "start the program under unshare --net, or call enterLab() first",
  );
}

async function removeBridges(): Promise<void> {
  const links: { ifname: string }[] = JSON.parse(await run(["ip", "-j", "link"]));
  for (const { ifname } of links) {
    if (ifname === MAIN_BRIDGE || ifname === OTHER_BRIDGE) await run(["ip", "link", "del", ifname]);
  }
}
