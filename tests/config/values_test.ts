import assert from "node:assert/strict";
import fc from "fast-check";
import {
  formatDuration,
  parseAnnotations,
  parseBoolean,
  parseClass,
  type Parsed,
  parseDuration,
  parseHttpAddress,
  parseInterface,
  parseLeaseDuration,
  parseNamespaces,
  parseObjectName,
  parseServerUrl,
} from "../../lib/config/values.ts";

const REFUSED = Symbol("refused");

function outcome<T>(parsed: Parsed<T>): T | typeof REFUSED {
  return parsed.ok ? parsed.value : REFUSED;
}

function check<T>(parse: (text: string) => Parsed<T>, cases: [string, T | typeof REFUSED][]): void {
  for (const [text, wanted] of cases) {
    assert.deepEqual(outcome(parse(text)), wanted, `${parse.name}(${JSON.stringify(text)})`);
  }
}

Deno.test("parseDuration() reads units, sums and plain seconds", () => {
  check(parseDuration, [
    ["5s", 5000],
    ["1500ms", 1500],
    ["1m", 60_000],
    ["1m30s", 90_000],
    ["0.5", 500],
    ["5", 5000],
    ["1.1s", 1100],
    ["24h", 86_400_000],
    ["25h", REFUSED],
    ["", REFUSED],
    ["-1s", REFUSED],
    ["5 s", REFUSED],
    ["5S", REFUSED],
    ["1m30", REFUSED],
    ["1e3", REFUSED],
    ["Infinity", REFUSED],
  ]);
});

Deno.test("parseDuration() reads back what formatDuration() wrote", () => {
  fc.assert(fc.property(fc.integer({ min: 0, max: 86_400_000 }), (ms) => {
    assert.equal(outcome(parseDuration(formatDuration(ms))), ms);
  }));
});

Deno.test("parseDuration() never throws, and gives whole milliseconds", () => {
  const text = fc.oneof(fc.string(), fc.stringMatching(/^[0-9.]{0,4}(ms|s|m|h)?[0-9.]{0,3}s?$/));
  fc.assert(fc.property(text, (given) => {
    const parsed = parseDuration(given);
    assert.ok(!parsed.ok || (Number.isInteger(parsed.value) && parsed.value >= 0));
  }));
});

Deno.test("parseLeaseDuration() takes whole seconds from 2s on", () => {
  check(parseLeaseDuration, [["3s", 3000], ["15", 15_000], ["2s", REFUSED], ["3500ms", REFUSED]]);
});

Deno.test("parseBoolean() takes the usual words", () => {
  check(parseBoolean, [["true", true], ["False", false], ["1", true], ["no", false]]);
  check(parseBoolean, [["", REFUSED], ["maybe", REFUSED]]);
});

Deno.test("parseClass() takes what Kubernetes takes", () => {
  const long = "a".repeat(63);
  check(parseClass, [
    ["internal-vip", "internal-vip"],
    ["example.com/Internal_1.x", "example.com/Internal_1.x"],
    [long, long],
    ["", undefined],
    [`${long}a`, REFUSED],
    ["-a", REFUSED],
    ["a/b/c", REFUSED],
    ["/b", REFUSED],
    ["a/", REFUSED],
    ["Example.com/a", REFUSED],
    ["a b", REFUSED],
  ]);
});

Deno.test("parseObjectName() takes DNS-1123 subdomains", () => {
  check(parseObjectName, [["a.b-c", "a.b-c"], ["", REFUSED], ["A", REFUSED], ["a..b", REFUSED]]);
  check(parseObjectName, [["a".repeat(253), "a".repeat(253)], ["a".repeat(254), REFUSED]]);
});

Deno.test("parseNamespaces() says which entries are wrong", () => {
  const parsed = parseNamespaces("A,b,,c");
  assert.equal(
    !parsed.ok && parsed.problem,
    "not a namespace name: entry 1 (A), entry 3 (empty)",
  );
});

Deno.test("parseNamespaces() sorts and drops duplicates", () => {
  check(parseNamespaces, [["b, a,b", ["a", "b"]], ["", []], ["a,,b", REFUSED], ["a.b", REFUSED]]);
});

Deno.test("parseInterface() follows the kernel", () => {
  check(parseInterface, [
    ["eth0", "eth0"],
    ["bond0.100", "bond0.100"],
    ["auto", "auto"],
    ["abcdefghijklmno", "abcdefghijklmno"],
    ["abcdefghijklmnop", REFUSED],
    ["", REFUSED],
    ["..", REFUSED],
    ["a/b", REFUSED],
    ["eth0:1", REFUSED],
    ["a b", REFUSED],
  ]);
});

Deno.test("parseHttpAddress() reads hosts, ports and off", () => {
  check(parseHttpAddress, [
    ["127.0.0.1:2112", "127.0.0.1:2112"],
    [":2112", "0.0.0.0:2112"],
    ["[::1]:80", "[::1]:80"],
    ["localhost:0", "localhost:0"],
    ["off", undefined],
    ["", REFUSED],
    ["2112", REFUSED],
    ["::1:2112", REFUSED],
    ["a:65536", REFUSED],
    ["a:b", REFUSED],
  ]);
});

Deno.test("parseServerUrl() takes a server and nothing else", () => {
  check(parseServerUrl, [
    ["https://127.0.0.1:6443/", "https://127.0.0.1:6443"],
    ["https://a/prefix", "https://a/prefix"],
    ["", undefined],
    ["127.0.0.1:6443", REFUSED],
    ["ftp://a", REFUSED],
    ["https://user:secret@a", REFUSED],
    ["https://a?b", REFUSED],
  ]);
});

Deno.test("parseAnnotations() takes a JSON object of strings", () => {
  check<Readonly<Record<string, string>>>(parseAnnotations, [
    ['{"example.com/a":"b"}', { "example.com/a": "b" }],
    ["", {}],
    ["[]", REFUSED],
    ["null", REFUSED],
    ['{"a":1}', REFUSED],
    ['{"a b":"c"}', REFUSED],
    ['{"classvip.io/class":"c"}', REFUSED],
    ["a=b", REFUSED],
  ]);
});
