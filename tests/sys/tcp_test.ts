import assert from "node:assert/strict";
import { sendAtOnce } from "../../lib/sys/tcp.ts";

const IPPROTO_TCP = 6;
const TCP_NODELAY = 1;

sendAtOnce(); // opens the C library for good, outside of any test

Deno.test("sendAtOnce() switches delays off for each TCP socket that there is", async () => {
  using libc = libcWithGetsockopt();
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  using client = await Deno.connect({ hostname: "127.0.0.1", port: listener.addr.port });
  using server = await listener.accept();
  for (const socket of [client, server]) socket.setNoDelay(false);
  assert.ok(libc.delaying() >= 2);
  sendAtOnce();
  assert.equal(libc.delaying(), 0);
});

function libcWithGetsockopt() {
  const library = Deno.dlopen("libc.so.6", {
    /** `int getsockopt(int sockfd, int level, int optname, void *optval, socklen_t *optlen)` */
    getsockopt: { parameters: ["i32", "i32", "i32", "buffer", "buffer"], result: "i32" },
  });
  return {
    /** How many TCP sockets wait before they send. */
    delaying(): number {
      let count = 0;
      for (let fd = 3; fd < 256; fd++) {
        const value = new Int32Array(1);
        const length = new Uint32Array([4]);
        const found = library.symbols.getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, value, length) === 0;
        if (found && value[0] === 0) count++;
      }
      return count;
    },
    [Symbol.dispose]: () => library.close(),
  };
}
