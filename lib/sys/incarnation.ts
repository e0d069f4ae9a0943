import { readKernelFile, readKernelLink } from "./kernel_file.ts";

/**
 * Names this boot of this node's network: the boot id and the inode of the network namespace.
 * Addresses and locks of another incarnation are gone, also when the node's name is the same.
 */
export function incarnation(): string {
  const bootId = readKernelFile("/proc/sys/kernel/random/boot_id").trim();
  // namespaces(7): "net:[4026531840]" has the inode.
  const inode = readKernelLink("/proc/self/ns/net").match(/\d+/)?.[0];
  return `${bootId}/${inode}`;
}
