import { electionTimes } from "../../lib/agent/times.ts";
import { Agent } from "./agent.ts";
import { ApiClient } from "./api_client.ts";
import { Kernel, type KernelWitness } from "./kernel.ts";
import { Machine } from "./machine.ts";
import { Process } from "./process.ts";
import { between } from "./random.ts";
import { WatchStream } from "./watch_stream.ts";
import { Wire } from "./wire.ts";
import type { World } from "./world.ts";

/**
 * On waking, a process finds out within its longest timer that its right ended in suspend. Until
 * then the address may be there: its kernel lifetime stood still meanwhile.
 */
const WAKE_BOUND_MS = 1010;

/** A machine, its kernel, and the process on it. */
export class Node {
  readonly name: string;
  readonly identity: string;
  readonly machine: Machine;
  readonly kernel: Kernel;
  readonly wire: Wire;
  process: Process | undefined;
  agent: Agent | undefined;
  watch: WatchStream | undefined;
  readonly #world: World;
  #boots = 0;
  #runs = 0;
  /** The last time it woke, and whether a process has run for long enough since then. */
  #wake: { boundOver: boolean } = { boundOver: false };

  constructor(world: World, index: number) {
    const { timeline, random, schedule } = world;
    const { identity, rate } = schedule.nodes[index]!;
    this.#world = world;
    this.name = `node-${index}`;
    this.identity = identity;
    const bootMs = between(random, 1e4, 1e8);
    this.machine = new Machine(this.name, timeline, { rate, bootMs });
    const witness: KernelWitness = {
      set: (seconds, appeared) => world.checker.addressSet(this, seconds, appeared),
      vanished: (how, slept) => world.checker.addressVanished(this, how, slept && !this.#acts),
      frameSent: (frame) => {
        if (world.handovers.sent(frame, this)) return;
        if (world.fast === undefined) world.checker.frameSent(this);
        else world.fast.send(frame, this);
      },
    };
    this.kernel = new Kernel(this.machine, random, index + 1, witness, schedule.fast !== undefined);
    this.wire = new Wire(random, () => timeline.nowMs);
    this.machine.onWake(() => this.#woke());
  }

  get incarnation(): string {
    return `${this.name}/${this.#boots}`;
  }

  /** Whether the address is to be seen there by others. */
  get present(): boolean {
    return this.kernel.present && !this.machine.asleep;
  }

  /**
   * Whether it may be there beside another's: a suspend prolonged its lifetime, and no process had
   * the time to see to that.
   */
  get excused(): boolean {
    return this.kernel.slept && !this.#acts;
  }

  /** Whether a process has had the time to see to what a suspend prolonged. */
  get #acts(): boolean {
    const { process } = this;
    return process !== undefined && process.alive && !process.stopped && this.#wake.boundOver;
  }

  /** Starts the agent, unless it runs. */
  start(): void {
    if (this.process?.alive || !this.#world.open) return;
    if (this.machine.asleep) {
      return this.#world.timeline.at(this.machine.asleepUntilMs, () => this.start());
    }
    const { timeline, random, schedule, server, mutation, note, fast } = this.#world;
    const process = new Process(timeline, this.machine, random, this.#world.ran);
    const times = electionTimes(schedule.leaseDurationMs, schedule.renewIntervalMs);
    const nowMs = () => mutation.nowMs?.(this.machine) ?? this.machine.bootMs();
    const name = `${this.name}.${++this.#runs}`;
    const api = new ApiClient({ timeline, server, process, wire: this.wire, name });
    const seen = mutation.api?.(api) ?? api;
    note(this.name, "agent starts");
    const agent = new Agent({
      identity: this.identity,
      incarnation: this.incarnation,
      times: mutation.times?.(times) ?? times,
      process,
      clock: process.clock(nowMs),
      wallMs: () => this.machine.wallMs(),
      network: mutation.network?.(this.kernel) ?? this.kernel,
      api: fast?.watching(seen, this) ?? seen,
      random,
      mutation,
      fast: fast?.partsFor(this),
      elected: () => this.#world.checker.elected(this),
      ended: (error) => {
        if (error !== undefined) this.#world.checker.failed(this, error);
        note(this.name, "agent ends");
        this.#end();
      },
    });
    // A new process can't know that an address which it finds is there for too long.
    this.#wake = { boundOver: false };
    this.process = process;
    this.agent = agent;
    this.watch = new WatchStream(
      { timeline, server, process, wire: this.wire },
      (lease) => {
        agent.observe(lease);
        fast?.checker.watchRead(lease, this);
      },
    );
  }

  /** SIGSTOP, and SIGCONT later. */
  stall(ms: number): void {
    this.process?.stop(ms);
    // What it owes after a suspend it still owes then.
    this.#woke();
  }

  /** SIGKILL. */
  kill(): void {
    this.#end();
  }

  /** SIGTERM. */
  terminate(): void {
    const agent = this.agent;
    this.process?.wake(() => agent?.terminate());
  }

  /** The power goes off, and with it the addresses. */
  powerOff(): void {
    this.#end();
    this.kernel.reset();
    this.machine.reboot();
    this.#boots++;
  }

  #end(): void {
    this.process?.die();
    this.watch?.end();
    this.kernel.closeDevice();
    this.process = this.agent = this.watch = undefined;
  }

  #woke(): void {
    const wake = { boundOver: false };
    this.#wake = wake;
    const process = this.process;
    process?.timer(WAKE_BOUND_MS, () =>
      process.timer(10, () => {
        wake.boundOver = true;
        this.#world.checker.look();
      }));
  }
}
