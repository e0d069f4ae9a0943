import { type DemoState, drawing, type Step, stepLines, tableLines } from "./view.ts";

const REDRAW_MS = 200;
const COLUMNS = 100;
/** For the cursor's own line, and for what is said below. */
const RESERVED_ROWS = 3;
const CLEAR = "\x1b[2J";

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
  #said = "";

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
    this.#said = `\r\n${line}\r\n`;
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    this.#draw();
  }

  #draw(): void {
    const { columns, rows } = Deno.consoleSize();
    const size = { columns: Math.min(COLUMNS, columns), rows: rows - RESERVED_ROWS };
    write(drawing(this.#state(), size) + this.#said);
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
    console.log(["", ...tableLines(this.#state().classes)].join("\n"));
  }
}

function write(text: string): void {
  const bytes = new TextEncoder().encode(text);
  for (let done = 0; done < bytes.length;) done += Deno.stdout.writeSync(bytes.subarray(done));
}
