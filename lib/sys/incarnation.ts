/**
 * Names this boot of this node's network: the boot id and the inode of the network namespace.
 * Addresses and locks of another incarnation are gone, also when the node's name is the same.
 */
export function incarnation(): string {
  const bootId = Deno.readTextFileSync("/proc/sys/kernel/random/boot_id").trim();
  return `${bootId}/${Deno.statSync("/proc/self/ns/net").ino}`;
}
