import { BaseHandler, Logger as StdLogger } from "@std/log";
import type { LogLevel } from "../config/instance.ts";
import { visible } from "../visible.ts";
import type { LogFields, Logger } from "./logger.ts";

/** How the lines come out. */
export interface LogOptions {
  level: LogLevel;
  /** `text` is for eyes, `json` for everything else. */
  format: "json" | "text";
  /** Takes lines, without the end of the last one. Default: standard error. */
  write?: (lines: string) => void;
  /**
   * Calls back soon: lines below "warn" are written then, so that what they tell of is not held up
   * by the telling. Default: they are written at once.
   */
  later?: (flush: () => void) => void;
}

/** The order of the keys that all parts share; others follow as they come. */
const KEY_ORDER = ["instance", "class", "lease", "service", "vip", "interface", "node"];

/** What tenants and servers say is cut: one line must not fill a disk. */
const LONGEST_TEXT = 4000;

/** Column of the text format at which the fields start. */
const MESSAGE_WIDTH = 40;

/** Makes the Logger of the process: one event, one line. */
export function createLogger(options: LogOptions): Logger & { flush(): void } {
  const write = options.write ?? ((lines) => console.error(lines));
  const format = options.format === "json" ? jsonLine : textLine;
  // Each logger has a level of its own: what is too little is kept back there.
  const handler = new LineHandler("DEBUG", {
    formatter: ({ msg, levelName, args: [fields, at, stacks] }) => {
      const ordered = orderedFields(fields as LogFields, stacks as boolean);
      return format({ time: (at as Date).toISOString(), levelName, msg }, ordered);
    },
  });
  // Tenants name Services, and say what addresses they want.
  handler.write = write;
  handler.lostLine = (lost) => {
    const msg = "lines of the log could not be written and are lost";
    return format({ time: new Date().toISOString(), levelName: "WARN", msg }, [["lines", lost]]);
  };
  const logger = new StdLogger("classvip", "DEBUG", { handlers: [handler] });
  const queue = new LineQueue(logger, () => handler.writeOut(), options.later);
  return new FieldLogger(queue, {}, () => options.level);
}

/** Written at once: each call takes as long as making the line. */
const LINES_AT_ONCE = 100;

class LineHandler extends BaseHandler {
  write: (lines: string) => void = () => {};
  lostLine: (count: number) => string = () => "";
  #lines: string[] = [];
  #lost = 0;

  override log(line: string): void {
    this.#lines.push(visible(line));
    if (this.#lines.length === LINES_AT_ONCE) this.writeOut();
  }

  /** Never throws: a full disk takes the lines, and must not take the VIPs along. */
  writeOut(): void {
    const lines = this.#lines;
    if (lines.length === 0) return;
    this.#lines = [];
    try {
      if (this.#lost > 0) this.write(this.lostLine(this.#lost));
      this.#lost = 0;
      this.write(lines.join("\n"));
    } catch {
      this.#lost += lines.length;
    }
  }
}

const LEVELS: readonly LogLevel[] = ["debug", "info", "warn", "error"];

/** Keeps lines in their order, and the less urgent ones for a moment. */
class LineQueue {
  readonly #logger: StdLogger;
  readonly #written: () => void;
  readonly #later: LogOptions["later"];
  #waiting: (() => void)[] = [];

  /** @param written called when lines were given to the logger */
  constructor(logger: StdLogger, written: () => void, later: LogOptions["later"]) {
    this.#logger = logger;
    this.#written = written;
    this.#later = later;
  }

  push(level: LogLevel, message: string, fields: LogFields, stacks: boolean): void {
    const at = new Date();
    this.#waiting.push(() => this.#logger[level](message, fields, at, stacks));
    const urgent = level === "warn" || level === "error";
    if (urgent || this.#later === undefined) this.flush();
    else if (this.#waiting.length === 1) this.#later(() => this.flush());
  }

  flush(): void {
    const lines = this.#waiting;
    this.#waiting = [];
    for (const line of lines) line();
    this.#written();
  }
}

class FieldLogger implements Logger {
  readonly #queue: LineQueue;
  readonly #fields: LogFields;
  readonly #level: () => LogLevel;

  constructor(queue: LineQueue, fields: LogFields, level: () => LogLevel) {
    this.#queue = queue;
    this.#fields = fields;
    this.#level = level;
  }

  debug(message: string, fields?: LogFields): void {
    this.#log("debug", message, fields);
  }

  info(message: string, fields?: LogFields): void {
    this.#log("info", message, fields);
  }

  warn(message: string, fields?: LogFields): void {
    this.#log("warn", message, fields);
  }

  error(message: string, fields?: LogFields): void {
    this.#log("error", message, fields);
  }

  with(fields: LogFields, level = this.#level): Logger {
    return new FieldLogger(this.#queue, { ...this.#fields, ...fields }, level);
  }

  /** Writes what is still waiting. */
  flush(): void {
    this.#queue.flush();
  }

  #log(level: LogLevel, message: string, fields: LogFields | undefined): void {
    const least = this.#level();
    if (LEVELS.indexOf(level) < LEVELS.indexOf(least)) return;
    this.#queue.push(level, message, { ...this.#fields, ...fields }, least === "debug");
  }
}

/** What all formats show, besides the fields. */
interface Head {
  readonly time: string;
  readonly levelName: string;
  readonly msg: string;
}

type Field = [key: string, value: unknown];

/** Shared keys, then the others, then the error; stacks are for those who asked for debug. */
function orderedFields({ error, ...fields }: LogFields, stacks: boolean): Field[] {
  const keys = new Set([...KEY_ORDER, ...Object.keys(fields)]);
  const ordered: Field[] = [...keys].map((key) => [key, plain(fields[key])]);
  if (error !== undefined) ordered.push(["error", cut(errorText(error))]);
  if (stacks && error instanceof Error) ordered.push(["stack", error.stack]);
  return ordered.filter(([, value]) => value !== undefined);
}

/** Something that JSON has: a logger must not throw, whatever it is given. */
function plain(value: unknown): unknown {
  if (typeof value === "string") return cut(value);
  if (value instanceof Error) return errorText(value);
  if (["bigint", "symbol", "function"].includes(typeof value)) return String(value);
  if (typeof value !== "object" || value === null) return value;
  try {
    return JSON.parse(JSON.stringify(value, (_, inner) => {
      return typeof inner === "bigint" || inner instanceof Error ? plain(inner) : inner;
    }));
  } catch {
    return String(value);
  }
}

function cut(text: string): string {
  if (text.length <= LONGEST_TEXT) return text;
  return `${text.slice(0, LONGEST_TEXT)}… (${text.length} characters)`;
}

/** The message, then those of the causes that it does not already repeat. */
function errorText(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const inner = error instanceof AggregateError ? error.errors : [error.cause];
  const causes = inner.filter((cause) => cause !== undefined && cause !== null)
    .map(errorText).join(", ");
  const own = error.message || error.name;
  return own.includes(causes) ? own : `${own}: ${causes}`;
}

function jsonLine(record: Head, fields: Field[]): string {
  return JSON.stringify({
    time: record.time,
    level: record.levelName.toLowerCase(),
    message: record.msg,
    ...Object.fromEntries(fields),
  });
}

function textLine(record: Head, fields: Field[]): string {
  const head = `${record.time} ${record.levelName.padEnd(5)} `;
  const tail = fields.map(([key, value]) => `${key}=${textValue(value)}`).join(" ");
  return head + (tail === "" ? record.msg : `${record.msg.padEnd(MESSAGE_WIDTH)} ${tail}`);
}

/** As it is where that is one word, else as JSON, which also escapes ends of lines. */
function textValue(value: unknown): string {
  return typeof value === "string" && /^[^\s"=]+$/.test(value) ? value : JSON.stringify(value);
}
