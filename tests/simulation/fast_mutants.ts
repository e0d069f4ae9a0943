import { Beacons } from "../../lib/agent/beacons.ts";
import { Election } from "../../lib/election/election.ts";
import { type HolderSign, StealDamper, Witness } from "../../lib/election/witness.ts";
import { ReplayFilter } from "../../lib/net/beacon.ts";
import type { Mutation } from "./mutation.ts";

/** Each breaks one rule of fast mode; the simulation has to notice every one of them. */
export const FAST_MUTANTS: Readonly<Record<string, Mutation>> = {
  "whose holder ignores beacons of a newer term": {
    beacons: (parts) => ({ ...parts, election: but(parts.election, { contest() {} }) }),
  },
  "whose holder does not look at the term of a beacon": {
    beacons: (parts) => ({
      ...parts,
      codec: but(parts.codec, {
        decode: (frame) => {
          const beacon = parts.codec.decode(frame);
          if (typeof beacon === "string" || !parts.vips.mayHold) return beacon;
          return { ...beacon, term: Number.MAX_SAFE_INTEGER };
        },
      }),
    }),
  },
  "that hears no answer": {
    beacons: (parts) => ({ ...parts, claims: { subscribe: () => () => {}, look: () => true } }),
  },
  "that does not ask": {
    patch: () =>
      patched(Witness.prototype, "judge", (judge) =>
        function (this: Witness, sight, rank, nowMs) {
          const verdict = judge.call(this, sight, rank, nowMs);
          return verdict.kind === "probe"
            ? { ...verdict, kind: "dead", term: sight.term }
            : verdict;
        }),
  },
  "that need not have heard the holder in its term": {
    patch: () => {
      const stack = new DisposableStack();
      const last = new WeakMap<Witness, HolderSign>();
      stack.use(
        patched(Witness.prototype, "heard", (heard) =>
          function (this: Witness, sign, nowMs) {
            last.set(this, sign);
            heard.call(this, sign, nowMs);
          }),
      );
      stack.use(
        patched(
          Witness.prototype,
          "judge",
          (judge) =>
            function (this: Witness, sight, rank, nowMs) {
              const { node: holder, term } = last.get(this) ??
                { node: sight.holder, term: sight.term };
              const verdict = judge.call(this, { holder, term }, rank, nowMs);
              return verdict.kind === "dead" ? { ...verdict, term: sight.term } : verdict;
            },
        ),
      );
      return stack;
    },
  },
  "that steals without a hold-off": {
    patch: () => patched(StealDamper.prototype, "stolen", () => () => {}),
  },
  "that believes what is played again": {
    patch: () => patched(ReplayFilter.prototype, "accepts", () => () => true),
  },
  "that knows one death and believes it of every term": {
    election: class extends Election {
      #dead = false;

      override declareDead(term: number, untilMs: number): void {
        this.#dead = true;
        super.declareDead(term, untilMs);
      }

      override next(nowMs: number): ReturnType<Election["next"]> {
        if (this.#dead) super.declareDead(this.term, Infinity);
        return super.next(nowMs);
      }
    },
  },
  "that keeps to its verdict when it hears the holder again": {
    election: class extends Election {
      override declareAlive(): void {}

      override declareDead(term: number): void {
        super.declareDead(term, Infinity);
      }
    },
  },
  "that first says that it holds after an interval": {
    patch: () => patched(Beacons.prototype, "announce", () => () => {}),
  },
};

/** An object with some of its methods replaced. */
function but<T extends object>(object: T, methods: Partial<T>): T {
  return new Proxy(object, {
    get: (target, name) => {
      const value = Reflect.get(methods, name) ?? Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

/** Replaces a method of a class until it is disposed. */
function patched<T extends object, Name extends keyof T>(
  prototype: T,
  name: Name,
  replacement: (original: T[Name]) => T[Name],
): Disposable {
  const original = prototype[name];
  prototype[name] = replacement(original);
  return { [Symbol.dispose]: () => void (prototype[name] = original) };
}
