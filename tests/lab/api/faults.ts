/** What goes wrong. Without a word on it, the request is not applied. */
export type Fault =
  /** Answered with an error; 429 and 503 usually come with `retryAfterSeconds`. */
  | { kind: "answer"; status: number; retryAfterSeconds?: number }
  /** Applied and answered after `ms`. */
  | { kind: "delay"; ms: number }
  /** Accepted and never answered. */
  | { kind: "silence" }
  /** The connection is closed instead of an answer. */
  | { kind: "reset" }
  /** Applied, and never answered. */
  | { kind: "applyThenSilence" }
  /** Applied, then the connection is closed. */
  | { kind: "applyThenReset" }
  /** Never answered, and applied after `ms`, even when the client is long gone. */
  | { kind: "applyLate"; ms: number }
  /** Applied and answered, and applied once more after `ms`. */
  | { kind: "applyTwice"; ms: number }
  /** A GET, list or watch is served as of this older resourceVersion. */
  | { kind: "stale"; resourceVersion: number }
  /** A watch's next line is sent by half, then the connection is closed. */
  | { kind: "cut" }
  /** From its next line on a watch sends nothing more and stays open. */
  | { kind: "mute" }
  /** A watch's next event (of this type) is not sent. */
  | { kind: "swallow"; type?: "ADDED" | "MODIFIED" | "DELETED" };

/** Which requests a fault is for. */
export interface Matcher {
  method?: string;
  /** Matched against the path with its query, `/api/v1/services?watch=true`. */
  path?: RegExp;
  /** How often it happens; default once. */
  count?: number;
}

/** A fault that waits for its requests. */
export class PlannedFault {
  /** How often it has happened. */
  hits = 0;

  constructor(readonly fault: Fault & Matcher, readonly remove: () => void) {}
}

/** The faults of one server, in the order in which they were added; one at most for a request. */
export class Faults {
  #planned: PlannedFault[] = [];

  add(fault: Fault & Matcher): PlannedFault {
    const planned = new PlannedFault(fault, () => {
      this.#planned = this.#planned.filter((other) => other !== planned);
    });
    this.#planned.push(planned);
    return planned;
  }

  clear(): void {
    this.#planned = [];
  }

  /** The fault for a request as it arrives. */
  forRequest(method: string, target: string): Fault | undefined {
    return this.#take(method, target, (fault) => !isForLines(fault));
  }

  /** The fault for a line of a watch; `type` is that of its event. */
  forLine(target: string, type: string): Fault | undefined {
    return this.#take(
      "GET",
      target,
      (fault) =>
        fault.kind === "swallow"
          ? type !== "BOOKMARK" && (fault.type ?? type) === type
          : isForLines(fault),
    );
  }

  #take(method: string, target: string, accepts: (fault: Fault) => boolean): Fault | undefined {
    const planned = this.#planned.find(({ fault, hits }) =>
      hits < (fault.count ?? 1) && accepts(fault) &&
      (fault.method ?? method) === method && (fault.path?.test(target) ?? true)
    );
    if (planned) planned.hits++;
    return planned?.fault;
  }
}

function isForLines({ kind }: Fault): boolean {
  return kind === "cut" || kind === "mute" || kind === "swallow";
}
