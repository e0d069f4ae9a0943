/**
 * A network and mount namespace of their own for tests that make interfaces: nothing outside is
 * touched, and everything goes away with the last process, which ends with this one.
 *
 * @module
 */

// `ip netns` keeps its names under /run/netns, where an unprivileged user may not write.
const SETUP = `
  ip link set lo up
  mkdir -p /run/netns 2>/dev/null || { mount -t tmpfs tmpfs /run; mkdir -p /run/netns; }
  mount -t tmpfs tmpfs /run/netns
  exec setpriv --pdeathsig KILL -- "$@"`;

/** The command line that runs `command` in namespaces of its own. */
export function inNamespaces(command: readonly string[]): string[] {
  const user = Deno.uid() === 0 ? [] : ["--user", "--map-root-user"];
  return ["unshare", ...user, "--net", "--mount", "sh", "-ec", SETUP, "sh", ...command];
}

/** Says why namespaces can't be made here, or undefined when they can. */
export async function whyNoNamespaces(): Promise<string | undefined> {
  // All that the lab needs: a named namespace, a bridge and a veth pair.
  const trial = "ip netns add trial && ip link add trial0 type bridge && " +
    "ip link add trial1 type veth peer name trial2";
  const [command, ...args] = inNamespaces(["sh", "-ec", trial]);
  try {
    const { success, stderr } = await new Deno.Command(command!, { args, stderr: "piped" })
      .output();
    if (success) return undefined;
    const reason = new TextDecoder().decode(stderr).trim().replaceAll("\n", "; ");
    return `network namespaces can't be made here (${reason}); needed are iproute2 and root, ` +
      `or user namespaces for ordinary users`;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    return `the program "unshare" is missing (package util-linux)`;
  }
}
