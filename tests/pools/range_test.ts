import assert from "node:assert/strict";
import fc from "fast-check";
import {
  addressAt,
  merged,
  overlaps,
  parseRange,
  valueOf,
  without,
} from "../../lib/pools/range.ts";
import { parseIp } from "../../lib/net/ip.ts";

function ends(text: string, options?: Parameters<typeof parseRange>[1]): string[] {
  const parsed = parseRange(text, options);
  if (!parsed.ok) throw new Error(parsed.problem);
  const { family, first, last } = parsed.range;
  return [first, last].map((value) => addressAt(family, value).text);
}

Deno.test("parseRange() reads CIDRs, ranges and addresses of both families", () => {
  assert.deepEqual(ends("10.0.0.0/24"), ["10.0.0.0", "10.0.0.255"]);
  assert.deepEqual(ends("10.0.0.10 - 10.0.1.3"), ["10.0.0.10", "10.0.1.3"]);
  assert.deepEqual(ends("192.0.2.7"), ["192.0.2.7", "192.0.2.7"]);
  assert.deepEqual(ends("2001:db8::/64"), ["2001:db8::", "2001:db8::ffff:ffff:ffff:ffff"]);
  assert.deepEqual(ends("fd00::1-fd00::ff"), ["fd00::1", "fd00::ff"]);
});

Deno.test("parseRange() leaves out the ends of IPv4 CIDRs alone", () => {
  const avoidEnds = { avoidEnds: true };
  assert.deepEqual(ends("10.0.0.0/29", avoidEnds), ["10.0.0.1", "10.0.0.6"]);
  assert.deepEqual(ends("10.0.0.0/31", avoidEnds), ["10.0.0.0", "10.0.0.1"]);
  assert.deepEqual(ends("10.0.0.0/32", avoidEnds), ["10.0.0.0", "10.0.0.0"]);
  assert.deepEqual(ends("10.0.0.0-10.0.0.255", avoidEnds), ["10.0.0.0", "10.0.0.255"]);
  assert.deepEqual(ends("fd00::/126", avoidEnds), ["fd00::", "fd00::3"]);
});

Deno.test("parseRange() says what is wrong, and what would be right", () => {
  const refused = {
    "10.0.0.5/24": ["it has host bits", "10.0.0.0/24 for the network, or 10.0.0.5 for the address"],
    "10.0.0.9-10.0.0.3": ["the range is backwards", "10.0.0.3-10.0.0.9"],
    "10.0.0.1-fd00::1": [
      "it goes from one family to the other",
      "two ranges, one for each family",
    ],
    "127.0.0.0/8": ["127.0.0.0 is a loopback address", "addresses that a host can serve"],
  };
  for (const [text, [problem, right]] of Object.entries(refused)) {
    assert.deepEqual(parseRange(text), { ok: false, problem, right });
  }
  for (const text of ["", "x", "10.0.0.0/33", "1-2-3", "10.0.0.1-", "10.0.0/24"]) {
    assert.ok(!parseRange(text).ok, text);
  }
  assert.deepEqual(ends("192.168.0.210/29", { hostBits: true }), [
    "192.168.0.208",
    "192.168.0.215",
  ]);
});

Deno.test("addressAt() undoes valueOf()", () => {
  fc.assert(fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (text) => {
    const ip = parseIp(text)!;
    assert.deepEqual(addressAt(ip.family, valueOf(ip)), ip);
  }));
});

Deno.test("merged() has the same addresses, sorted, in ranges that do not meet", () => {
  const range = fc.tuple(fc.constantFrom(4 as const, 6 as const), fc.nat(40), fc.nat(8)).map(
    ([family, first, more]) => ({
      family,
      first: BigInt(first),
      last: BigInt(first + more),
    }),
  );
  fc.assert(fc.property(fc.array(range), (ranges) => {
    const result = merged(ranges);
    for (const family of [4, 6] as const) {
      for (let value = 0n; value < 60n; value++) {
        const point = { family, first: value, last: value };
        assert.equal(
          result.some((one) => overlaps(one, point)),
          ranges.some((one) => overlaps(one, point)),
        );
      }
    }
    result.slice(1).forEach(({ family, first }, i) =>
      assert.ok(result[i]!.family < family || result[i]!.last + 1n < first)
    );
  }));
});

Deno.test("without() leaves exactly the addresses that are in no hole", () => {
  const ranges = fc.array(
    fc.tuple(fc.constantFrom(4 as const, 6 as const), fc.nat(60), fc.nat(9)).map(
      ([family, first, more]) => ({ family, first: BigInt(first), last: BigInt(first + more) }),
    ),
    { maxLength: 5 },
  );
  const values = (list: readonly { family: 4 | 6; first: bigint; last: bigint }[]) =>
    new Set(
      list.flatMap(({ family, first, last }) =>
        Array.from({ length: Number(last - first) + 1 }, (_, i) => `${family} ${first + BigInt(i)}`)
      ),
    );
  fc.assert(fc.property(ranges, ranges, (some, holes) => {
    const left = without(merged(some), holes);
    assert.deepEqual(left, merged(left), "sorted, apart");
    assert.deepEqual([...values(left)].sort(), [...values(some).difference(values(holes))].sort());
  }));
});
