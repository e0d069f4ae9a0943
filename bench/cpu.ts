/** Linux counts for programs in hundredths of a second, whatever the kernel does: time(7). */
const TICK_MS = 10;

/** Processor time that a process has used so far, in user and kernel mode: proc_pid_stat(5). */
export async function processorMs(pid: number): Promise<number> {
  return parseProcessorMs(await Deno.readTextFile(`/proc/${pid}/stat`));
}

/** @param stat text of /proc/pid/stat */
export function parseProcessorMs(stat: string): number {
  // The name of the program, in parentheses, may have blanks and parentheses.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}
