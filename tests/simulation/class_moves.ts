import {
  CARRIED_OUT_ANNOTATION,
  formatCarriedOut,
  FormerHolders,
} from "../../lib/agent/former_holders.ts";
import { ServiceProgress } from "../../lib/agent/service_progress.ts";
import { SCOPE_ANNOTATION } from "../../lib/election/lease_record.ts";
import type { Lease } from "../../lib/kube/types.ts";
import { parseIp } from "../../lib/net/ip.ts";
import { type ClassPolicy, describeScope } from "../../lib/services/class_policy.ts";
import { ServiceIndex } from "../../lib/services/service_index.ts";
import type { ServiceView } from "../../lib/services/service_view.ts";
import { view } from "../services/views.ts";
import { between, pick, type Random } from "./random.ts";

const CLASSES = ["blue", "red", "green"];
const NODES_OF_EACH = 2;
const NAMES = ["a", "b"];
const VIPS = ["192.0.2.1", "192.0.2.2"];
const LEASE_MS = 5000;
const RENEW_MS = 1500;
/** Of the time line, where something is wrong. */
const LINES = 60;
/** A dead holder's addresses are gone after that, and its Lease is taken after `TAKE_MS`. */
const KERNEL_MS = 4000;
const TAKE_MS = 5300;

/** What a simulated agent leaves out, to see that it is missed. */
export interface ClassMutation {
  readonly waitsForNobody?: boolean;
  /** Says that it carried out what it has only seen. */
  readonly saysTooEarly?: boolean;
  /** Believes what is ahead of its own view of the Services. */
  readonly trustsTheFuture?: boolean;
  /** A new holder acts on Services that are older than what its predecessor carried out. */
  readonly takesOverBlindly?: boolean;
  /** Does not mind what it missed while it had lost its place in the watch. */
  readonly ignoresGaps?: boolean;
}

interface Change<T> {
  readonly version: number;
  readonly key: string;
  readonly object: T | undefined;
}

/** The API server: one order of versions for Services and Leases alike. */
class Server {
  version = 100;
  readonly services: Change<ServiceView>[] = [];
  readonly leases: Change<Lease>[] = [];

  put(name: string, service: ServiceView | undefined): void {
    const version = ++this.version;
    const object = service && { ...service, resourceVersion: String(version) };
    this.services.push({ version, key: `shop/${name}`, object });
  }

  write(name: string, lease: Lease): Lease {
    const version = ++this.version;
    const metadata = { ...lease.metadata, name, namespace: "n", resourceVersion: `${version}` };
    const object = { ...lease, metadata };
    this.leases.push({ version, key: name, object });
    return object;
  }

  lease(name: string): Lease | undefined {
    return this.leases.findLast(({ key }) => key === name)?.object;
  }
}

/** An agent of one class: the real code that decides when an address may come from another class. */
class Node {
  readonly held = new Set<string>();
  holds = false;
  /** When it stopped acting; its addresses outlive it for a while. */
  deadMs: number | undefined;
  renewedMs = -Infinity;
  /** Its watch of Services shows nothing. */
  stuck = false;
  readonly progress: ServiceProgress;
  readonly #policy: ClassPolicy;
  readonly #index = new ServiceIndex();
  readonly #leases = new Map<string, Lease>();
  readonly #seenMs = new WeakMap<Lease, number>();
  #leaseListener = () => {};
  #serviceListener = () => {};
  #seen = 0;
  #nextService = 0;
  #nextLease = 0;
  #renewSoon = false;
  #relist: (() => void) | undefined;
  readonly #scope;
  readonly #formers: FormerHolders;

  constructor(
    readonly name: string,
    readonly className: string,
    readonly server: Server,
    readonly nowMs: () => number,
    readonly mutation: ClassMutation,
    nextStep: (() => void)[],
  ) {
    this.#policy = { loadBalancerClass: className, alsoClassless: false, namespaces: [] };
    this.#scope = this.#index.open(this.#policy, () => {});
    const { formers, owners } = this.#index;
    this.#formers = new FormerHolders({
      leases: {
        all: () => [...this.#leases.values()],
        seenMs: (lease) => this.#seenMs.get(lease),
        synced: true,
        subscribe: (listener) => (this.#leaseListener = listener, () => {}),
      },
      services: {
        formers,
        owners,
        seesAll: true,
        seenUpTo: () => mutation.trustsTheFuture ? Infinity : this.#seen,
        subscribe: (listener) => (this.#serviceListener = listener, () => {}),
      },
    });
    this.progress = new ServiceProgress({
      formers: this.#formers,
      clock: { nowMs, until: () => new Promise((resolve) => nextStep.push(resolve)) },
      policy: this.#policy,
      renewNow: () => this.#renewSoon = true,
      refresh: () => this.stuck = false,
      relist: () => new Promise((resolve) => this.#relist = resolve),
      changed: () => {},
    });
  }

  get alive(): boolean {
    return this.deadMs === undefined;
  }

  get wantsToRenew(): boolean {
    return this.#renewSoon;
  }

  /**
   * One event of its watch of Services, or all of them in a list.
   *
   * A list does not show what began and ended before it. Whether such an address is in use, only the
   * probe can tell; there is none here, so such lists are left out.
   */
  seeServices(list: boolean): void {
    const { services } = this.server;
    const pending = services.slice(this.#nextService);
    const last = new Map(pending.map((one) => [one.key, one.object?.wished[0]]));
    const hides = pending.some(({ key, object }) =>
      object !== undefined && last.get(key) !== object.wished[0]
    );
    if (list && !hides) {
      const newest = new Map(pending.map((one) => [one.key, one]));
      for (const { key, object, version } of newest.values()) {
        const at = object === undefined ? this.server.version : version;
        this.#index.put(key, object, String(at), !this.mutation.ignoresGaps);
      }
      this.#nextService = services.length;
      this.#seen = this.server.version;
      this.#relist?.();
      this.#relist = undefined;
    } else {
      const next = services[this.#nextService];
      if (next === undefined) return;
      this.#nextService++;
      this.#index.put(next.key, next.object, String(next.version));
      this.#seen = next.version;
    }
    this.#serviceListener();
  }

  /** The server says how far it is, where there is nothing else to say. */
  seeBookmark(): void {
    if (this.#nextService < this.server.services.length) return;
    this.#seen = this.server.version;
    this.#serviceListener();
  }

  get seen(): number {
    return this.#seen;
  }

  get seenLeases(): number {
    return this.server.leases[this.#nextLease - 1]?.version ?? 0;
  }

  get asksForList(): boolean {
    return this.#relist !== undefined;
  }

  seeLease(): boolean {
    const next = this.server.leases[this.#nextLease];
    if (next === undefined) return false;
    this.#nextLease++;
    this.#leases.set(next.key, next.object!);
    this.#seenMs.set(next.object!, this.nowMs());
    this.#leaseListener();
    return true;
  }

  reconcile(): void {
    const blind = this.mutation.takesOverBlindly;
    if (!this.holds || (this.progress.behind && !blind)) return;
    const { version, lostAt } = this.#scope;
    const claims = [];
    for (const vip of VIPS) {
      const owner = this.#index.owners.owner(vip);
      if (owner === undefined || owner.loadBalancerClass !== this.className) this.held.delete(vip);
      else claims.push({ ip: parseIp(vip)!, linkIndex: 1, interface: "eth0", service: owner });
    }
    const passed = this.mutation.waitsForNobody
      ? claims
      : this.progress.passed(claims, (vip) => this.held.has(vip));
    for (const { ip: { text } } of passed) this.held.add(text);
    this.progress.carriedOut({ changedAt: version, seen: this.#seen }, lostAt);
  }

  /** There is one from the start. */
  layLease(): void {
    this.#write("");
  }

  renew(): string {
    this.#renewSoon = false;
    this.renewedMs = this.nowMs();
    const { metadata } = this.#write(this.name);
    return `${this.name} renews @${metadata?.resourceVersion}, ${
      metadata?.annotations?.[CARRIED_OUT_ANNOTATION]
    } carried out`;
  }

  take(): void {
    this.#renewSoon = false;
    this.renewedMs = this.nowMs();
    this.holds = true;
    this.#write(this.name);
    // The gate waits until its own write is seen, and with it what was written before.
    while (this.seeLease());
    this.progress.begin();
  }

  /** Withdraws; the Lease is released, or left to expire where the server is out of reach. */
  letGo(release: boolean): void {
    this.held.clear();
    this.holds = false;
    this.progress.end();
    if (release) this.#write("");
  }

  #write(holderIdentity: string): Lease {
    const before = this.server.lease(this.className);
    const said = this.mutation.saysTooEarly && this.holds
      ? {
        [CARRIED_OUT_ANNOTATION]: formatCarriedOut({
          changedAt: this.#scope.version,
          seen: this.#seen,
        }),
      }
      : this.progress.carried();
    const lease = this.server.write(this.className, {
      metadata: {
        annotations: {
          ...before?.metadata?.annotations,
          [SCOPE_ANNOTATION]: describeScope(this.#policy),
          ...holderIdentity !== "" && said,
        },
      },
      spec: { holderIdentity, leaseDurationSeconds: LEASE_MS / 1000 },
    });
    this.#formers.wrote(lease, this.nowMs());
    return lease;
  }
}

/** What a run came to. */
export interface ClassMoves {
  /** The first time that two nodes had one address, and what led to it. */
  readonly double: string | undefined;
  /** An owner's holder that has not its address in the end. */
  readonly missing: string | undefined;
  /** How often an address went from one node to another. */
  readonly moves: number;
}

/** Plays Services that change their classes, with watches that are late, stuck or lose their place. */
export async function playClassMoves(
  random: Random,
  mutation: ClassMutation = {},
): Promise<ClassMoves> {
  let nowMs = 0;
  const server = new Server();
  /** What waits for time to pass. */
  const nextStep: (() => void)[] = [];
  const goOn = async () => {
    for (const resolve of nextStep.splice(0)) resolve();
    for (let i = 0; i < 5; i++) await Promise.resolve();
  };
  const nodes = CLASSES.flatMap((className) =>
    Array.from(
      { length: NODES_OF_EACH },
      (_, i) =>
        new Node(`${className}-${i + 1}`, className, server, () => nowMs, mutation, nextStep),
    )
  );
  for (const node of nodes) node.layLease();
  for (const node of nodes) while (node.seeLease());
  const log: string[] = [];
  const lastHolder = new Map<string, string>();
  let moves = 0;
  const check = (what: string): string | undefined => {
    for (const vip of VIPS) {
      const holders = nodes.filter(({ held }) => held.has(vip)).map(({ name }) => name);
      if (holders.length > 1) {
        return `${holders.join(" and ")} have ${vip} after ${what}\n${
          log.slice(-LINES).join("\n")
        }`;
      }
      const [holder] = holders;
      if (holder !== undefined && lastHolder.get(vip) !== holder) {
        lastHolder.set(vip, holder);
        moves++;
      }
    }
    return undefined;
  };
  const expire = (node: Node) => {
    if (node.deadMs === undefined) return;
    if (nowMs - node.renewedMs >= KERNEL_MS) node.held.clear();
  };
  /** Somebody takes a Lease that is free, or has not been renewed for long enough. */
  const elect = (): void => {
    for (const className of CLASSES) {
      const all = nodes.filter((node) => node.className === className);
      const holder = all.find(({ holds }) => holds);
      if (holder !== undefined && (holder.alive || nowMs - holder.renewedMs < TAKE_MS)) continue;
      if (holder !== undefined) holder.letGo(false);
      const able = all.filter(({ alive }) => alive);
      if (able.length > 0 && random() < 0.5) {
        const node = pick(random, able);
        log.push(`${nowMs} ${node.name} takes its Lease`);
        node.take();
      }
    }
  };
  const step = (): string => {
    const node = pick(random, nodes);
    const roll = random();
    if (roll < 0.1) {
      const name = pick(random, NAMES);
      const wish = random() < 0.8 ? VIPS[0]! : VIPS[1]!;
      const className = random() < 0.25 ? undefined : pick(random, CLASSES);
      server.put(
        name,
        className === undefined ? undefined : view(name, { class: className, wish }),
      );
      return `${name} is ${className ?? "gone"} ${wish} @${server.version}`;
    }
    if (!node.alive) {
      if (roll > 0.9 && nowMs - node.deadMs! > TAKE_MS) {
        node.deadMs = undefined;
        if (node.holds) node.letGo(false);
        return `${node.name} is back`;
      }
      return "";
    }
    if (roll < 0.4) {
      if (!node.stuck) node.seeServices(false);
      return `${node.name} ${node.stuck ? "waits" : "sees Services up to"} ${node.seen}`;
    }
    if (roll < 0.6) {
      node.seeLease();
      return `${node.name} sees Leases up to ${node.seenLeases}`;
    }
    if (roll < 0.85) {
      node.reconcile();
      return `${node.name} ${node.holds ? "reconciles" : "stands by"} at ${node.seen}${
        node.progress.behind ? " behind" : ""
      }, has ${[...node.held]}`;
    }
    if (roll < 0.89) {
      node.stuck = !node.stuck;
      return `${node.name} ${node.stuck ? "is stuck" : "goes on"}`;
    }
    if (roll < 0.92) {
      if (!node.stuck) node.seeServices(true);
      return `${node.name} lists up to ${node.seen}`;
    }
    if (roll < 0.94 && node.holds) {
      node.letGo(true);
      return `${node.name} releases`;
    }
    if (roll < 0.95) {
      if (!node.stuck) node.seeBookmark();
      return `${node.name} sees a bookmark, ${node.seen}`;
    }
    if (roll < 0.96) {
      // Cut off from the server: it hears and says nothing, and has its addresses for a while.
      node.deadMs = nowMs;
      return `${node.name} is cut off`;
    }
    return "";
  };
  const housekeeping = (): void => {
    for (const node of nodes) {
      expire(node);
      if (!node.alive || !node.holds) continue;
      const due = nowMs - node.renewedMs >= RENEW_MS;
      if (due || (node.wantsToRenew && random() < 0.5)) log.push(`${nowMs} ${node.renew()}`);
      if (node.asksForList && random() < 0.2) {
        node.seeServices(true);
        log.push(`${nowMs} ${node.name} lists again up to ${node.seen}`);
      }
    }
    elect();
  };
  for (let i = 0; i < 400; i++) {
    nowMs += Math.round(between(random, 0, 120));
    housekeeping();
    const what = step();
    if (what !== "") log.push(`${nowMs} ${what}`);
    await goOn();
    const double = check(what);
    if (double !== undefined) return { double, missing: undefined, moves };
  }
  // Calm: everybody is well and sees everything.
  for (const node of nodes) {
    node.stuck = false;
    if (!node.alive) {
      node.letGo(false);
      node.deadMs = undefined;
    }
  }
  for (let i = 0; i < 300; i++) {
    nowMs += 100;
    housekeeping();
    for (const node of nodes) {
      node.seeServices(i === 0);
      if (i % 50 === 0) node.seeBookmark();
      node.seeLease();
      node.seeLease();
      node.reconcile();
    }
    await goOn();
    const double = check("the end");
    if (double !== undefined) return { double, missing: undefined, moves };
  }
  const truth = new ServiceIndex();
  for (const { key, object } of server.services) truth.put(key, object);
  const missing = VIPS.find((vip) => {
    const owner = truth.owners.owner(vip);
    return owner !== undefined &&
      !nodes.some((node) => node.className === owner.loadBalancerClass && node.held.has(vip));
  });
  return {
    double: undefined,
    missing: missing && `nobody has ${missing}\n${log.slice(-LINES).join("\n")}`,
    moves,
  };
}
