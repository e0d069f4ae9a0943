/** What the command line asks for. */
export interface Options {
  readonly seconds: number;
  readonly seed: number;
  readonly nodes: number;
  /** A real kube-apiserver, where there is one. */
  readonly real: boolean;
}

const LARGEST_SEED = 2 ** 32 - 1;
/** Below this there is no time for a fault and for what must be well afterwards. */
const FEWEST_SECONDS = 15;

/**
 * Reads `[--seconds=N] [--seed=N] [--nodes=3..5] [--real]`.
 *
 * @param random from 0 to 1, for what is not given
 * @throws {TypeError} that says what is wrong
 */
export function parseOptions(args: readonly string[], random: () => number): Options {
  const between = (from: number, to: number) => from + Math.floor(random() * (to - from + 1));
  let [seconds, seed, nodes, real] = [120, between(0, LARGEST_SEED), between(3, 5), false];
  for (const arg of args) {
    const [, name, text] = /^--(seconds|seed|nodes)=(\d+)$/.exec(arg) ?? [];
    const value = Number(text);
    if (arg === "--real") real = true;
    else if (name === "seconds" && value >= FEWEST_SECONDS) seconds = value;
    else if (name === "seed" && value <= LARGEST_SEED) seed = value;
    else if (name === "nodes" && value >= 3 && value <= 5) nodes = value;
    else {
      throw new TypeError(
        `"${arg}" is none of --seconds=<${FEWEST_SECONDS} or more>, ` +
          `--seed=<0 to ${LARGEST_SEED}>, --nodes=<3 to 5>, --real`,
      );
    }
  }
  return { seconds, seed, nodes, real };
}
