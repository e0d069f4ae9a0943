/**
 * Stands in for `jsr:@std/log@0.224` where JSR is out of reach: the same interface and the same
 * output for what `lib/observe/log.ts` uses of it, and nothing more.
 *
 * @module
 */

const LEVELS = { NOTSET: 0, DEBUG: 10, INFO: 20, WARN: 30, ERROR: 40, CRITICAL: 50 } as const;

/** Names of the levels, lowest first. */
export type LevelName = keyof typeof LEVELS;

/** One message on its way to the handlers. */
export class LogRecord {
  readonly msg: string;
  readonly args: unknown[];
  readonly datetime = new Date();
  readonly level: number;
  readonly levelName: string;
  readonly loggerName: string;

  constructor(
    options: { msg: string; args: unknown[]; level: number; loggerName: string },
  ) {
    this.msg = options.msg;
    this.args = options.args;
    this.level = options.level;
    this.levelName = (Object.keys(LEVELS) as LevelName[])
      .find((name) => LEVELS[name] === options.level)!;
    this.loggerName = options.loggerName;
  }
}

/** Turns a record into one line. */
export type FormatterFunction = (record: LogRecord) => string;

/** Formats records of its level and above and hands them to `log()`. */
export abstract class BaseHandler {
  formatter: FormatterFunction;
  readonly #level: number;

  constructor(levelName: LevelName, options: { formatter?: FormatterFunction } = {}) {
    this.#level = LEVELS[levelName];
    this.formatter = options.formatter ?? ((record) => `${record.levelName} ${record.msg}`);
  }

  handle(record: LogRecord): void {
    if (this.#level <= record.level) this.log(this.format(record));
  }

  format(record: LogRecord): string {
    return this.formatter(record);
  }

  abstract log(line: string): void;
}

/** Makes records of its level and above and hands them to its handlers. */
export class Logger {
  readonly loggerName: string;
  handlers: BaseHandler[];
  readonly #level: number;

  constructor(
    loggerName: string,
    levelName: LevelName,
    options: { handlers?: BaseHandler[] } = {},
  ) {
    this.loggerName = loggerName;
    this.#level = LEVELS[levelName];
    this.handlers = options.handlers ?? [];
  }

  debug(msg: string, ...args: unknown[]): string {
    return this.#log(LEVELS.DEBUG, msg, args);
  }

  info(msg: string, ...args: unknown[]): string {
    return this.#log(LEVELS.INFO, msg, args);
  }

  warn(msg: string, ...args: unknown[]): string {
    return this.#log(LEVELS.WARN, msg, args);
  }

  error(msg: string, ...args: unknown[]): string {
    return this.#log(LEVELS.ERROR, msg, args);
  }

  #log(level: number, msg: string, args: unknown[]): string {
    if (this.#level <= level) {
      const record = new LogRecord({ msg, args, level, loggerName: this.loggerName });
      for (const handler of this.handlers) handler.handle(record);
    }
    return msg;
  }
}
