/**
 * Runs a command to its end.
 *
 * @param stdin is written to its standard input.
 * @returns what it wrote to standard output.
 * @throws {Error} when it can't be started or ends with another code than 0, with what it said.
 */
export async function run(command: readonly string[], stdin = ""): Promise<string> {
  const [program, ...args] = command;
  const child = new Deno.Command(program!, {
    args,
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  // A command that ends without reading breaks the pipe; its exit code says what matters.
  await writer.write(new TextEncoder().encode(stdin)).catch(() => {});
  await writer.close().catch(() => {});
  const { code, stdout, stderr } = await child.output();
  if (code !== 0) {
    const said = new TextDecoder().decode(stderr).trim();
    throw new Error(`"${[...command, stdin].join(" ").trim()}" ended with code ${code}: ${said}`);
  }
  return new TextDecoder().decode(stdout);
}
