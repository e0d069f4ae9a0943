import assert from "node:assert/strict";
import { commandsIn, fencedIn } from "./shell_commands.ts";

const TEXT = `# A text

    one --flag=x     # what it does
    A=1 B=2
    # nothing
    two | three &&
      four
    for x in a b; do
      five "$x"
    done
    cat <<END
    key: value
    END
    six

- a list

    $ seven
    NAME  AGE
    $ eight

\`\`\`yaml
key:

    not a command
\`\`\`

    key: {value}
`;

Deno.test("commandsIn() takes commands as they are typed, with what they answer", () => {
  const commands = commandsIn(TEXT, ["key: "]);
  assert.deepEqual(commands.map(({ text }) => text), [
    "one --flag=x",
    "A=1 B=2",
    "two | three &&\n  four",
    'for x in a b; do\n  five "$x"\ndone',
    "cat <<END\nkey: value\nEND",
    "six",
    "seven",
    "eight",
  ]);
  assert.deepEqual(commands.at(-2)?.shows, ["NAME  AGE"]);
});

Deno.test("commandsIn() passes nothing over that it does not understand", () => {
  assert.throws(() => commandsIn(TEXT, []), /No command: "key: \{value\}"/);
});

Deno.test("fencedIn() gives the blocks of one language", () => {
  assert.deepEqual(fencedIn(TEXT, "yaml"), ["key:\n\n    not a command\n"]);
});
