import { until } from "../scenarios/stage.ts";
import type { Child } from "./child.ts";
import { run } from "./command.ts";
import type { LabHost } from "./host.ts";

const PROGRAM = "/usr/lib/systemd/systemd";
/** Where the folder that is given is seen inside. */
const DESK = "/srv";

/**
 * This machine's files, copied on write, without its units; and what a container manager makes of
 * the rest. In a cgroup of its own, which is the root of what is seen inside.
 */
const BOOT = `
  echo $$ >"$1/cgroup.procs"
  exec unshare --cgroup --mount --pid --uts --ipc --fork --kill-child sh -ec '
    hostname "$2"
    mount --make-rprivate /
    mount -t tmpfs tmpfs "$3"
    mkdir "$3/up" "$3/work" "$3/root"
    mount -t overlay overlay "$3/root" -o "lowerdir=/,upperdir=$3/up,workdir=$3/work"
    mount --bind "$4" "$3/root${DESK}"
    cd "$3/root"
    mount -t proc proc proc
    # Some of it is the whole machine\\047s.
    mount --bind proc/sys proc/sys
    mount -o remount,bind,ro proc/sys
    mount -t sysfs sysfs sys -o ro
    mount -t cgroup2 cgroup2 sys/fs/cgroup
    mount -t tmpfs tmpfs run
    mkdir run/old
    mount -t tmpfs tmpfs dev -o mode=755
    mkdir dev/net
    for name in null zero full random urandom tty net/tun; do
      touch dev/$name
      mount --bind /dev/$name dev/$name
    done
    rm -rf etc/systemd/system/*
    for name in sysctl modules-load; do
      ln -s /dev/null etc/systemd/system/systemd-$name.service
    done
    tr -d - </proc/sys/kernel/random/uuid >etc/machine-id
    pivot_root . run/old
    umount -l /run/old
    # In a container systemd leaves that to its manager; credentials come by it.
    mount --make-rshared /
    exec env -i container=lab PATH=/usr/sbin:/usr/bin:/sbin:/bin \\
      ${PROGRAM} --unit=sysinit.target --show-status=0' sh "$@"`;

/** systemd itself, PID 1 in namespaces of its own, on the network of a node. */
export class Systemd implements AsyncDisposable {
  readonly #child: Child<unknown>;
  readonly #cgroup: string;
  #pid = "";

  private constructor(child: Child<unknown>, cgroup: string) {
    this.#child = child;
    this.#cgroup = cgroup;
  }

  /** Why there is none on this machine; undefined: there is. */
  static async whyNot(): Promise<string | undefined> {
    if (!await Deno.stat(PROGRAM).then(() => true, () => false)) return `there is no ${PROGRAM}`;
    const [, outside] = Deno.readTextFileSync("/proc/self/uid_map").trim().split(/\s+/);
    if (Deno.uid() !== 0 || outside !== "0") return "only root may boot one";
    return await findCgroup().then(() => undefined, () => "there is no cgroup v2");
  }

  /** @param desk a folder that is seen inside, and is where commands run */
  static async boot(node: LabHost, desk: string): Promise<Systemd> {
    const cgroup = `${await findCgroup()}/classvip-${crypto.randomUUID()}`;
    await Deno.mkdir(cgroup);
    const mountPoint = await Deno.makeTempDir({ dir: desk });
    const child = node.spawn(["sh", "-ec", BOOT, "sh", cgroup, node.name, mountPoint, desk]);
    const systemd = new Systemd(child, cgroup);
    try {
      await until(
        "systemd is up",
        () => systemd.run("systemctl is-active sysinit.target").then(() => true, () => undefined),
      );
    } catch (error) {
      await systemd[Symbol.asyncDispose]();
      throw new Error(`systemd does not come up:\n${child.text}`, { cause: error });
    }
    return systemd;
  }

  /** Runs a command as somebody who is logged in there. */
  async run(script: string, stdin?: string): Promise<string> {
    const { pid } = this.#child;
    this.#pid ||= (await Deno.readTextFile(`/proc/${pid}/task/${pid}/children`)).trim();
    if (this.#pid === "") throw new Error("There is no PID 1 yet");
    const namespaces = ["--mount", "--pid", "--uts", "--ipc", "--cgroup", "--net"];
    return await run([
      ...["nsenter", `--target=${this.#pid}`, ...namespaces, "--root", `--wdns=${DESK}`],
      ...["env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "sh", "-ec", script],
    ], stdin);
  }

  /** Of a unit: its properties, as `systemctl show` has them. */
  async show(unit: string, property: string): Promise<string> {
    return (await this.run(`systemctl show --value --property=${property} ${unit}`)).trim();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#child[Symbol.asyncDispose]();
    // The kernel ends all that was in it.
    await until(
      "the cgroup is empty",
      () =>
        run(["find", this.#cgroup, "-depth", "-type", "d", "-delete"]).then(
          () => true,
          () => undefined,
        ),
    );
  }
}

/** @returns the cgroup of this process, as a folder */
async function findCgroup(): Promise<string> {
  const mount = await run(["findmnt", "--first-only", "-nt", "cgroup2", "-o", "TARGET"]);
  const [, own] = /^0::(.*)$/m.exec(await Deno.readTextFile("/proc/self/cgroup"))!;
  return `${mount.trim()}${own === "/" ? "" : own}`;
}
