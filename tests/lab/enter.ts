import { dependencyFlags } from "../../tools/jsr.ts";
import { fetchDependencies } from "./agent.ts";
import { run } from "./command.ts";

/** How a lab can be had on this machine: the options for unshare(1), or what is missing. */
export type LabAccess = { unshare: string[] } | { missing: string };

/** Set inside, so that a program started by {@linkcode enterLab} does not enter once more. */
const INSIDE = "CLASSVIP_INSIDE_LAB";

/** The packages that hold the programs of the lab. */
const PROGRAMS: [program: string, versionFlag: string, packageName: string][] = [
  ["ip", "-V", "iproute2"],
  ["unshare", "--version", "util-linux"],
  ["nsenter", "--version", "util-linux"],
  ["setpriv", "--version", "util-linux"],
];

/** As root a network namespace is had at once; everybody else is root in a user namespace. */
const WAYS = [["--net", "--mount"], ["--user", "--map-root-user", "--net", "--mount"]];

/** What the lab needs of the kernel, tried out in a namespace that ends at once. */
const PROBE = "ip link add lab0 type bridge && ip link add lab1 type veth peer name lab2";

/** Settings that forbid it to users: the file, the value that does, and the way out. */
const FORBIDDING: [path: string, value: string, remedy: string][] = [
  [
    "/proc/sys/kernel/unprivileged_userns_clone",
    "0",
    "sysctl kernel.unprivileged_userns_clone=1",
  ],
  ["/proc/sys/user/max_user_namespaces", "0", "sysctl user.max_user_namespaces=10000"],
  ["/proc/sys/user/max_net_namespaces", "0", "sysctl user.max_net_namespaces=10000"],
  [
    "/proc/sys/kernel/apparmor_restrict_unprivileged_userns",
    "1",
    "sysctl kernel.apparmor_restrict_unprivileged_userns=0",
  ],
];

/** Finds out whether, and how, network namespaces can be made here. */
async function labAccess(): Promise<LabAccess> {
  for (const [program, versionFlag, packageName] of PROGRAMS) {
    try {
      await run([program, versionFlag]);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
      return { missing: `The program "${program}" is missing: install ${packageName}` };
    }
  }
  let refusal: unknown;
  for (const unshare of WAYS) {
    try {
      await run(["unshare", ...unshare, "sh", "-c", PROBE]);
      return { unshare };
    } catch (error) {
      refusal = error;
    }
  }
  return { missing: `Network namespaces can't be made here: ${await reason(refusal)}` };
}

/**
 * Starts this program once more in a fresh network namespace, unless it is in one already. What
 * the agents import is fetched before: inside there is no way to a registry.
 *
 * @returns the exit code of the program inside, or undefined when this is the one inside.
 * @throws {Error} with what is missing where no namespace can be made.
 */
export async function enterLab(): Promise<number | undefined> {
  if (Deno.env.get(INSIDE) === "1") {
    Deno.env.delete(INSIDE);
    return undefined;
  }
  const access = await labAccess();
  if ("missing" in access) throw new Error(access.missing);
  await fetchDependencies();
  const flags = await dependencyFlags();
  // unshare(1) and setpriv(1) replace themselves by the program: a signal to them is one to it.
  const child = new Deno.Command("unshare", {
    args: [
      ...access.unshare,
      ...["setpriv", "--pdeathsig", "TERM", "--"],
      ...[Deno.execPath(), "run", "-A", ...flags, Deno.mainModule, ...Deno.args],
    ],
    env: { [INSIDE]: "1" },
  }).spawn();
  // A terminal sends Ctrl-C to both; this one waits for the other to tidy up.
  const interrupted = () => {};
  const terminated = () => child.kill("SIGTERM");
  Deno.addSignalListener("SIGINT", interrupted);
  Deno.addSignalListener("SIGTERM", terminated);
  try {
    return (await child.status).code;
  } finally {
    Deno.removeSignalListener("SIGINT", interrupted);
    Deno.removeSignalListener("SIGTERM", terminated);
  }
}

async function reason(refusal: unknown): Promise<string> {
  for (const [path, value, remedy] of FORBIDDING) {
    if (await read(path) === value) {
      return `the kernel forbids it; "${remedy}" as root allows it, or start the program as root`;
    }
  }
  return refusal instanceof Error ? refusal.message : String(refusal);
}

/** @returns the trimmed text, or undefined where the kernel has no such setting. */
async function read(path: string): Promise<string | undefined> {
  try {
    return (await Deno.readTextFile(path)).trim();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
