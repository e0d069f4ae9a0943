import { attempt } from "./libc.ts";

const IPPROTO_TCP = 6;
const TCP_NODELAY = 1;
const ON = new Uint8Array(new Int32Array([1]).buffer);
/** Descriptors are given out from the lowest: an agent has some dozens. */
const FIRST = 3;
const LAST = 255;

/**
 * Has all TCP sockets of this process send at once, also what waits in them (TCP_NODELAY, tcp(7)).
 *
 * Deno's `fetch()` switches that off for each connection. Its first request, right behind the end of
 * the TLS handshake, then waits until the server acknowledges that: 40 ms. What is no TCP socket is
 * left alone by the kernel.
 */
export function sendAtOnce(): void {
  for (let fd = FIRST; fd <= LAST; fd++) {
    attempt("setsockopt", fd, IPPROTO_TCP, TCP_NODELAY, ON, ON.length);
  }
}
