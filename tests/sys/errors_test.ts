import assert from "node:assert/strict";
import { SyscallError } from "../../lib/sys/errors.ts";

Deno.test("SyscallError() names the capability that is missing", () => {
  const error = new SyscallError("socket", 1, "Cannot open a packet socket");
  assert.equal(
    error.message,
    "Cannot open a packet socket: operation not permitted (socket: EPERM); " +
      "this needs the capability CAP_NET_RAW",
  );
  assert.deepEqual([error.name, error.syscall, error.errno], ["EPERM", "socket", 1]);
  const change = new SyscallError("RTM_NEWADDR", 1, "Cannot set 192.0.2.1 on interface 3");
  assert.match(change.message, /CAP_NET_ADMIN/);
});

Deno.test("SyscallError() tells an errno that it has no text for", () => {
  const error = new SyscallError("sendto", 71, "Cannot send");
  assert.equal(error.message, "Cannot send: unexpected error (sendto: errno 71)");
});
