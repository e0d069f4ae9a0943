/**
 * Holds dist/classvip to its bounds for size and start-up.
 *
 *     deno run -A tools/bounds.ts
 *
 * @module
 */

const BINARY = "dist/classvip";
const SIZE_BYTES = 95e6;
const START_MS = 150;
/** The fastest of these counts: the others measure what else the machine does. */
const STARTS = 20;

if (import.meta.main) {
  const { size } = await Deno.stat(BINARY);
  let startMs = Infinity;
  for (let run = 0; run < STARTS; run++) {
    const beganMs = performance.now();
    const { success } = await new Deno.Command(BINARY, { args: ["version"] }).output();
    if (!success) throw new Error(`"${BINARY} version" failed`);
    startMs = Math.min(startMs, performance.now() - beganMs);
  }
  console.log(
    `${BINARY}: ${(size / 1e6).toFixed(1)} MB (at most ${SIZE_BYTES / 1e6}), ` +
      `starts in ${startMs.toFixed(0)} ms (at most ${START_MS})`,
  );
  if (size > SIZE_BYTES || startMs > START_MS) Deno.exit(1);
}
