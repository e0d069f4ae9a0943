import type { LogLevel } from "../config/instance.ts";

/** The fields of a log line; the same keys everywhere. */
export interface LogFields {
  instance?: string;
  class?: string;
  lease?: string;
  /** `namespace/name`. */
  service?: string;
  vip?: string;
  interface?: string;
  node?: string;
  error?: unknown;
  [key: string]: unknown;
}

/** One event, one line. */
export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /**
   * A logger that adds these fields to every line.
   *
   * @param level the least that it writes, asked each time; without it as before
   */
  with(fields: LogFields, level?: () => LogLevel): Logger;
}
