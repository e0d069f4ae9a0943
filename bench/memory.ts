/** Memory of a process that is resident now, in MB (10⁶ bytes): proc_pid_status(5). */
export interface Resident {
  readonly totalMb: number;
  /** Its own. */
  readonly anonymousMb: number;
  /** Of files, its program above all: shared with every process that runs the same. */
  readonly fileMb: number;
}

/** @param status text of /proc/pid/status */
export function parseResident(status: string): Resident {
  const mb = (name: string) => {
    const kib = new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(status)?.[1];
    if (kib === undefined) throw new Error(`No ${name} in the status of a process`);
    return Number(kib) * 1024 / 1e6;
  };
  return { totalMb: mb("VmRSS"), anonymousMb: mb("RssAnon"), fileMb: mb("RssFile") };
}

export async function resident(pid: number): Promise<Resident> {
  return parseResident(await Deno.readTextFile(`/proc/${pid}/status`));
}
