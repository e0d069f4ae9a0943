import type { LabHost } from "../tests/lab/host.ts";

/** The lab's own subnet has no room for so many. */
const PREFIX = "10.78";

/** @returns so many addresses, up to 65,000, in the subnet that {@linkcode giveRoom} makes. */
export function manyVips(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `${PREFIX}.${1 + (i >> 8)}.${i & 255}`);
}

/** Whether an address is one of {@linkcode manyVips}. */
export function isOneOfMany(ip: string): boolean {
  return ip.startsWith(`${PREFIX}.`) && !ip.startsWith(`${PREFIX}.0.`);
}

/** Gives each node a second subnet: an address that no subnet of the interface holds is refused. */
export async function giveRoom(nodes: readonly LabHost[]): Promise<void> {
  for (const [i, node] of nodes.entries()) {
    await node.exec(["ip", "address", "add", `${PREFIX}.0.${i + 1}/16`, "dev", node.interface]);
  }
}
