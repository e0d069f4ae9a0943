import assert from "node:assert/strict";
import fc from "fast-check";
import { createLogger, type LogOptions } from "../../lib/observe/log.ts";

function capture(options: Pick<LogOptions, "level" | "format">) {
  const lines: string[] = [];
  return { lines, logger: createLogger({ ...options, write: (line) => lines.push(line) }) };
}

Deno.test("createLogger() writes JSON with time, level, message and fields in order", () => {
  const { lines, logger } = capture({ level: "info", format: "json" });
  logger.with({ class: "internal", instance: "a" }).warn("Lease lost", {
    extra: 1n,
    error: new Error("no answer", { cause: new Error("reset") }),
    vip: "192.0.2.1",
    lease: "classvip-internal",
  });
  const { time, ...rest } = JSON.parse(lines[0]!);
  assert.ok(!Number.isNaN(Date.parse(time)) && time.endsWith("Z"));
  assert.equal(
    JSON.stringify(rest),
    '{"level":"warn","message":"Lease lost","instance":"a","class":"internal",' +
      '"lease":"classvip-internal","vip":"192.0.2.1","extra":"1","error":"no answer: reset"}',
  );
});

Deno.test("createLogger() aligns text and quotes what is not one word", () => {
  const { lines, logger } = capture({ level: "info", format: "text" });
  logger.info("Announced", { vip: "192.0.2.1", error: "two words", n: 3 });
  logger.info("Withdrawn\nnow");
  assert.equal(
    lines[0]!.slice(25),
    'INFO  Announced                                vip=192.0.2.1 n=3 error="two words"',
  );
  assert.equal(lines[1]!.slice(25), "INFO  Withdrawn\\nnow");
});

Deno.test("createLogger() writes nothing that a terminal would obey", () => {
  for (const format of ["text", "json"] as const) {
    const { lines, logger } = capture({ level: "info", format });
    logger.info("asks for \x1b[2J", {
      vip: "\x1b]0;x\x07",
      service: "a\u009b31mb",
      "k\x7f": "\u202e",
    });
    // deno-lint-ignore no-control-regex -- these are looked for
    assert.doesNotMatch(lines.join("\n"), /[\x00-\x1f\x7f-\x9f\u202e]/);
    if (format === "json") assert.equal(JSON.parse(lines[0]!).vip, "\x1b]0;x\x07");
  }
});

Deno.test("createLogger() leaves out what is below its level", () => {
  const { lines, logger } = capture({ level: "warn", format: "text" });
  logger.debug("a");
  logger.info("b");
  logger.warn("c");
  logger.error("d");
  assert.deepEqual(lines.map((line) => line.slice(25, 30)), ["WARN ", "ERROR"]);
});

Deno.test("createLogger() writes less urgent lines later, in order, and all before an urgent one", () => {
  const lines: string[] = [];
  let writes = 0;
  const flushes: (() => void)[] = [];
  const logger = createLogger({
    level: "info",
    format: "json",
    write: (some) => {
      writes++;
      lines.push(...some.split("\n").map((line) => JSON.parse(line).message));
    },
    later: (flush) => flushes.push(flush),
  });
  logger.info("a");
  logger.with({ vip: "192.0.2.1" }).info("b");
  assert.deepEqual(lines, []);
  assert.equal(flushes.length, 1, "asked for once");
  flushes.pop()!();
  assert.deepEqual(lines, ["a", "b"]);
  assert.equal(writes, 1, "lines that waited are written together");
  logger.info("c");
  logger.error("d");
  assert.deepEqual(lines, ["a", "b", "c", "d"]);
  flushes.pop()!();
  logger.info("e");
  logger.flush();
  assert.deepEqual(lines, ["a", "b", "c", "d", "e"]);
});

Deno.test("createLogger() shows stacks at debug only", () => {
  for (const level of ["debug", "info"] as const) {
    const { lines, logger } = capture({ level, format: "json" });
    logger.error("Failed", { error: new Error("x") });
    assert.equal("stack" in JSON.parse(lines[0]!), level === "debug");
  }
});

Deno.test("createLogger() names each cause once", () => {
  const { lines, logger } = capture({ level: "info", format: "json" });
  const inner = new Error("connection refused");
  logger.info("", { error: new Error("Failed: connection refused", { cause: inner }) });
  logger.info("", { error: new AggregateError([inner, new Error("gone")], "All failed") });
  assert.deepEqual(lines.map((line) => JSON.parse(line).error), [
    "Failed: connection refused",
    "All failed: connection refused, gone",
  ]);
});

Deno.test("createLogger() writes one line for any event", () => {
  const circular: Record<string, unknown> = {};
  circular.self = circular;
  for (const format of ["json", "text"] as const) {
    const { lines, logger } = capture({ level: "info", format });
    logger.info("Odd", { circular, symbol: Symbol("s"), fn: () => {}, error: undefined });
    assert.equal(lines.length, 1);
    fc.assert(fc.property(fc.string(), fc.dictionary(fc.string(), fc.anything()), (m, fields) => {
      lines.length = 0;
      logger.info(m, fields);
      assert.equal(lines.length, 1);
      assert.ok(!/[\r\n]/.test(lines[0]!));
      if (format === "json") assert.equal(typeof JSON.parse(lines[0]!), "object");
    }));
  }
});

Deno.test("with() may give a logger a level of its own, which may change", () => {
  const { lines, logger } = capture({ level: "warn", format: "text" });
  let level: "debug" | "error" = "debug";
  const own = logger.with({ instance: "a" }, () => level);
  own.with({ vip: "v" }).debug("shown");
  logger.info("not shown");
  level = "error";
  own.warn("not shown");
  assert.equal(lines.length, 1, lines.join("\n"));
});

Deno.test("createLogger() survives a disk that is full, and says how many lines are lost", () => {
  for (const format of ["json", "text"] as const) {
    const lines: string[] = [];
    let full = false;
    const write = (line: string) => {
      if (full) throw new Error("No space left on device");
      lines.push(line);
    };
    const logger = createLogger({ level: "info", format, write });
    logger.info("first");
    full = true;
    logger.info("second");
    logger.error("third");
    full = false;
    logger.info("fourth");
    logger.info("fifth");
    assert.equal(lines.length, 4);
    assert.match(lines[1]!, /lines of the log could not be written.*lines"?[=:]2/);
    assert.match(lines[2]!, /fourth/);
  }
});

Deno.test("createLogger() counts each of the lines that a full disk took together", () => {
  const lines: string[] = [];
  let full = true;
  let flush = () => {};
  const logger = createLogger({
    level: "info",
    format: "json",
    write: (some) => {
      if (full) throw new Error("No space left on device");
      lines.push(some);
    },
    later: (write) => flush = write,
  });
  for (let i = 0; i < 250; i++) logger.info("lost");
  flush();
  full = false;
  logger.error("here");
  assert.deepEqual(lines.map((line) => JSON.parse(line).lines), [250, undefined]);
});

Deno.test("createLogger() cuts what is longer than anybody reads", () => {
  const { lines, logger } = capture({ level: "info", format: "json" });
  logger.info("refused", { reason: "x".repeat(200_000), error: "y".repeat(200_000) });
  assert.ok(lines[0]!.length < 10_000);
  assert.match(lines[0]!, /x… \(200000 characters\)/);
});
