/** What the command line asks for. */
export interface Options {
  readonly seconds: number;
  readonly seed: number;
  readonly nodes: number;
  /** A real kube-apiserver, where there is one. */
  readonly real: boolean;
  /** Agents with fast failover. */
  readonly fast: boolean;
}

const LARGEST_SEED = 2 ** 32 - 1;
/** Below this there is no time for a fault and for what must be well afterwards. */
const FEWEST_SECONDS = 15;

/**
 * Reads `[--seconds=N] [--seed=N] [--nodes=3..5] [--real] [--fast]`.
 *
 * Without `--nodes` the seed determines that too.
 *
 * @param random from 0 to 1, for a seed that is not given
 * @throws {TypeError} that says what is wrong
 */
export function parseOptions(args: readonly string[], random: () => number): Options {
  let [seconds, seed] = [120, Math.floor(random() * (LARGEST_SEED + 1))];
  let [real, fast] = [false, false];
  let nodes: number | undefined;
  for (const arg of args) {
    const [, name, text] = /^--(seconds|seed|nodes)=(\d+)$/.exec(arg) ?? [];
    const value = Number(text);
    if (arg === "--real") real = true;
    else if (arg === "--fast") fast = true;
    else if (name === "seconds" && value >= FEWEST_SECONDS) seconds = value;
    else if (name === "seed" && value <= LARGEST_SEED) seed = value;
    else if (name === "nodes" && value >= 3 && value <= 5) nodes = value;
    else {
      throw new TypeError(
        `"${arg}" is none of --seconds=<${FEWEST_SECONDS} or more>, ` +
          `--seed=<0 to ${LARGEST_SEED}>, --nodes=<3 to 5>, --real, --fast`,
      );
    }
  }
  return { seconds, seed, nodes: nodes ?? 3 + seed % 3, real, fast };
}
