/** A command of a document, as somebody types it. */
export interface ShellCommand {
  readonly text: string;
  /** What the document shows of its answer, line by line. */
  readonly shows: readonly string[];
}

/** With what a line of commands starts: a program, an assignment, or the rest of the line before. */
const FIRST_WORD = /^(?:\$ |(?:[a-z][\w./-]*|[A-Z_]+=\S+)(?:\s|$)|#)/;

/**
 * The commands in the indented blocks of a Markdown text, in their order.
 *
 * A block with lines that begin with `$ ` has what is answered below them; in all others each line
 * is a command, or the rest of the one before.
 *
 * @param noCommands beginnings of blocks that hold something else
 * @throws {Error} for a block that is neither: nothing is left out because it was not understood
 */
export function commandsIn(markdown: string, noCommands: readonly string[]): ShellCommand[] {
  return blocksIn(markdown).flatMap((block) => {
    if (noCommands.some((start) => block[0]!.startsWith(start))) return [];
    if (block.some((line) => line.startsWith("$ "))) return withAnswers(block);
    const commands: string[] = [];
    for (const line of block) {
      const before = commands.at(-1);
      if (before !== undefined && isOpen(before)) commands[commands.length - 1] += `\n${line}`;
      else if (FIRST_WORD.test(line)) commands.push(line.replace(/ {2,}# .*$/, ""));
      else throw new Error(`No command: "${line}" in\n${block.join("\n")}`);
    }
    return commands.filter((text) => !text.startsWith("#")).map((text) => ({ text, shows: [] }));
  });
}

/** The texts of fenced blocks of a language. */
export function fencedIn(markdown: string, language: string): string[] {
  const fence = new RegExp(`^\`\`\`${language}\n([^]*?)^\`\`\`$`, "gm");
  return [...markdown.matchAll(fence)].map(([, text]) => text!);
}

/** Indented by four, after an empty line (CommonMark, 4.4); without what is fenced. */
function blocksIn(markdown: string): string[][] {
  const text = markdown.replaceAll(/^```[^]*?^```$/gm, "");
  return [...text.matchAll(/(?<=\n\n)(?: {4}.*\n)+/g)]
    .map(([block]) => block.trimEnd().split("\n").map((line) => line.slice(4)));
}

function withAnswers(block: readonly string[]): ShellCommand[] {
  const commands: { text: string; shows: string[] }[] = [];
  for (const line of block) {
    if (line.startsWith("$ ")) commands.push({ text: line.slice(2), shows: [] });
    else commands.at(-1)!.shows.push(line);
  }
  return commands;
}

/** Whether a command goes on in the next line. */
function isOpen(text: string): boolean {
  return /[\\|&]$/.test(text) || /^for /.test(text) && !/\n *done$/.test(text) ||
    /<<(\w+)\n/.test(`${text}\n`) && !new RegExp(`\n *${/<<(\w+)/.exec(text)![1]}$`).test(text);
}
