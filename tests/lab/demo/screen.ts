import { type DemoState, drawing, type Step, stepLines, tableLines, terminalSize } from "./view.ts";

const REDRAW_MS = 200;
const MAX_COLUMNS = 100;
/** Homes the cursor and clears the screen (ECMA-48). */
const CLEAR = "\x1b[H\x1b[2J";

/** Where the demo shows itself: a table that lives on a terminal, plain lines elsewhere. */
export interface Screen extends Disposable {
  /** Shows a line of its own below everything else. */
  say(line: string): void;
  stepEnded(step: Step): void;
}

/** @param state is asked for whenever there is something to show. */
export function openScreen(state: () => DemoState): Screen {
  return Deno.stdout.isTerminal() ? new LiveScreen(state) : new PlainScreen(state);
}

class LiveScreen implements Screen {
  readonly #state: () => DemoState;
  readonly #timer: ReturnType<typeof setInterval>;
  #said: string | undefined;

  constructor(state: () => DemoState) {
    this.#state = state;
    write(CLEAR);
    this.#draw();
    this.#timer = setInterval(() => this.#draw(), REDRAW_MS);
  }

  stepEnded(): void {
    this.#draw();
  }

  say(line: string): void {
    this.#said = line;
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    write(CLEAR);
    // What scrolled away while it lived can be read now.
    const state = this.#state();
    const { columns } = terminalSize(Deno.consoleSize());
    console.log(state.steps.flatMap((step) => stepLines(step, columns)).join("\n"));
    printTable(state);
  }

  #draw(): void {
    const { columns, rows } = terminalSize(Deno.consoleSize());
    const said = this.#said === undefined ? "" : `\r\n${this.#said}\r\n`;
    // One for the cursor; and a blank one, and what was said, broken by the terminal.
    const reserved = 1 + (this.#said ? 1 + Math.ceil(this.#said.length / columns) : 0);
    const size = { columns: Math.min(MAX_COLUMNS, columns), rows: rows - reserved };
    write(drawing(this.#state(), size) + said);
  }
}

class PlainScreen implements Screen {
  readonly #state: () => DemoState;

  constructor(state: () => DemoState) {
    this.#state = state;
  }

  stepEnded(step: Step): void {
    console.log(stepLines(step).join("\n"));
  }

  say(line: string): void {
    console.log(`\n${line}`);
  }

  [Symbol.dispose](): void {
    printTable(this.#state());
  }
}

function printTable({ classes }: DemoState): void {
  console.log(["", ...tableLines(classes)].join("\n"));
}

function write(text: string): void {
  const bytes = new TextEncoder().encode(text);
  for (let done = 0; done < bytes.length;) done += Deno.stdout.writeSync(bytes.subarray(done));
}
