/**
 * When a VIP is announced: at once, in a burst (a frame may be lost, a switch may still be
 * learning), then now and then for the sake of switches that forget.
 */
export interface AnnouncementSchedule {
  /** Pauses between the first announcements, in milliseconds. */
  readonly burstMs: readonly number[];
  /** Pause between all later ones. */
  readonly refreshMs: number;
}

/** Announcements at 0, 0.1, 0.5, 1.5, 3.5 and 7.5 s. */
export const BURST_MS = [100, 400, 1000, 2000, 4000] as const;

interface Entry<Key> {
  readonly key: Key;
  readonly step: number;
  readonly atMs: number;
}

/**
 * Keeps what is due when. One queue for each step of the schedule: the pause of a step is the
 * same for all, so each queue is in order by itself, however many VIPs there are.
 */
export class AnnouncementQueue<Key> {
  readonly #schedule: AnnouncementSchedule;
  readonly #queues: Entry<Key>[][];
  readonly #current = new Map<Key, Entry<Key>>();

  constructor(schedule: AnnouncementSchedule) {
    this.#schedule = schedule;
    this.#queues = [...schedule.burstMs, schedule.refreshMs].map(() => []);
  }

  /** The key was announced just now, for the first time. */
  start(key: Key, nowMs: number): void {
    this.#push(key, 0, nowMs);
  }

  stop(key: Key): void {
    this.#current.delete(key);
  }

  /** When the next announcement is due; Infinity when none is. */
  get nextAtMs(): number {
    let nextMs = Infinity;
    for (const queue of this.#queues) {
      this.#skipStopped(queue);
      nextMs = Math.min(nextMs, queue[0]?.atMs ?? Infinity);
    }
    return nextMs;
  }

  /** Takes up to `atMost` keys that are due, and plans their next announcement. */
  take(nowMs: number, atMost: number): Key[] {
    const due: Key[] = [];
    for (const queue of this.#queues) {
      while (due.length < atMost) {
        this.#skipStopped(queue);
        const entry = queue[0];
        if (entry === undefined || entry.atMs > nowMs) break;
        queue.shift();
        due.push(entry.key);
        this.#push(entry.key, Math.min(entry.step + 1, this.#queues.length - 1), nowMs);
      }
    }
    return due;
  }

  #push(key: Key, step: number, nowMs: number): void {
    const pauseMs = this.#schedule.burstMs[step] ?? this.#schedule.refreshMs;
    const entry = { key, step, atMs: nowMs + pauseMs };
    this.#current.set(key, entry);
    this.#queues[step]!.push(entry);
  }

  #skipStopped(queue: Entry<Key>[]): void {
    while (queue.length > 0 && this.#current.get(queue[0]!.key) !== queue[0]) queue.shift();
  }
}
