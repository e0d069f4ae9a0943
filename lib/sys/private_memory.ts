import { call } from "./libc.ts";

/** prctl(2) */
const PR_SET_DUMPABLE = 4;

/**
 * From now on a crash leaves no core dump, whatever its handler and limits, and no other process of
 * the same user reads this one's memory: tokens and keys are in it. The programs that this one
 * starts are not concerned (PR_SET_DUMPABLE(2const)).
 *
 * @throws SyscallError
 */
export function keepMemoryPrivate(): void {
  call("Cannot switch off core dumps", "prctl", PR_SET_DUMPABLE, 0n);
}
