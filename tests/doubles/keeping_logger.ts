import type { LogFields, Logger } from "../../lib/observe/logger.ts";

/** One line as it was logged. */
export interface Line {
  readonly level: "debug" | "info" | "warn" | "error";
  readonly message: string;
  readonly fields: LogFields;
}

/** A logger that keeps its lines. */
export function keepingLogger(
  lines: Line[] = [],
  more: LogFields = {},
): Logger & { lines: Line[] } {
  const log = (level: Line["level"]) => (message: string, fields: LogFields = {}) =>
    void lines.push({ level, message, fields: { ...more, ...fields } });
  return {
    lines,
    debug: log("debug"),
    info: log("info"),
    warn: log("warn"),
    error: log("error"),
    with: (fields) => keepingLogger(lines, { ...more, ...fields }),
  };
}
