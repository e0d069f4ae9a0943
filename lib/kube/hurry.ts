/** From one time to the next twice as long: a connection is made in between, wherever the server is. */
const FIRST_MS = 1;
const LAST_MS = 64;

/** Asks again and again for what waits to be sent, for a request that may open a connection. */
export function hurry(sendAtOnce: () => void): Disposable {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let ended = false;
  const next = (waitMs: number) => {
    if (waitMs > LAST_MS) return;
    timer = setTimeout(() => {
      // Deno calls a timer that is due even if it is cleared by what came before in the same turn.
      if (ended) return;
      sendAtOnce();
      next(waitMs * 2);
    }, waitMs);
  };
  next(FIRST_MS);
  return {
    [Symbol.dispose]() {
      ended = true;
      clearTimeout(timer);
    },
  };
}
