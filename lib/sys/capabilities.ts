import { readKernelFile } from "./kernel_file.ts";

/** What classvip cannot do without, and its bit in capabilities(7). */
export type Capability = "CAP_NET_ADMIN" | "CAP_NET_RAW";

const BITS: readonly (readonly [Capability, bigint])[] = [
  ["CAP_NET_ADMIN", 1n << 12n],
  ["CAP_NET_RAW", 1n << 13n],
];

/** The needed capabilities that this process does not have, read from /proc/self/status. */
export function missingCapabilities(): Capability[] {
  return missingIn(readKernelFile("/proc/self/status"));
}

/** @param status The text of /proc/<pid>/status (proc_pid_status(5)): CapEff is a hexadecimal mask. */
export function missingIn(status: string): Capability[] {
  const effective = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? "0"}`);
  return BITS.filter(([, bit]) => (effective & bit) === 0n).map(([name]) => name);
}
