import assert from "node:assert/strict";
import { ClaimWatch, type FrameSource } from "../../lib/agent/claim_watch.ts";
import { gratuitousArpFrames } from "../../lib/net/arp.ts";
import { parseIp } from "../../lib/net/ip.ts";
import { parseMac } from "../../lib/net/mac.ts";
import { unsolicitedNaFrame } from "../../lib/net/ndp.ts";
import { FakeClock } from "../doubles/fake_clock.ts";
import { FakeNetwork } from "../doubles/fake_network.ts";
import { keepingLogger } from "../doubles/keeping_logger.ts";

const OTHER = parseMac("02:66:00:00:00:01")!;
const [four, six] = [parseIp("192.0.2.1")!, parseIp("2001:db8::1")!];

/** Gives what was put in, and waits until it is closed. */
class Source implements FrameSource {
  readonly frames: Uint8Array[] = [];
  closed = false;
  #wake: () => void = () => {};

  async receive(): Promise<{ frame: Uint8Array } | undefined> {
    if (this.frames.length === 0 && !this.closed) {
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
    return this.take();
  }

  take(): { frame: Uint8Array } | undefined {
    const frame = this.frames.shift();
    return frame && { frame };
  }

  put(frame: Uint8Array): void {
    this.frames.push(frame);
    this.#wake();
  }

  [Symbol.dispose](): void {
    this.closed = true;
    this.#wake();
  }
}

function setUp() {
  const network = new FakeNetwork(new FakeClock());
  const [arp, na] = [new Source(), new Source()];
  const watch = new ClaimWatch([() => arp, () => na], network, keepingLogger());
  const heard: string[] = [];
  watch.subscribe({ holds: () => true, claimed: ({ vip, mac }) => heard.push(`${vip} ${mac}`) });
  const stop = new AbortController();
  return { network, arp, na, watch, heard, stop, run: watch.run(stop.signal) };
}

Deno.test("ClaimWatch hears claims of both families, own ones not, until it is told to stop", async () => {
  const { network, arp, na, heard, stop, run } = setUp();
  const own = network.linkList[0]!.mac;
  na.put(unsolicitedNaFrame(own, six));
  na.put(unsolicitedNaFrame(OTHER, six).slice(0, 60));
  na.put(unsolicitedNaFrame(OTHER, six));
  arp.put(gratuitousArpFrames(OTHER, four).request);
  while (heard.length < 2) await Promise.resolve();
  assert.deepEqual(heard.toSorted(), [
    "192.0.2.1 02:66:00:00:00:01",
    "2001:db8::1 02:66:00:00:00:01",
  ]);
  stop.abort();
  await run;
  assert.ok(arp.closed && na.closed);
});

Deno.test("ClaimWatch.look() judges what has come in of both families", async () => {
  const { arp, na, watch, heard, stop, run } = setUp();
  arp.frames.push(gratuitousArpFrames(OTHER, four).reply);
  na.frames.push(unsolicitedNaFrame(OTHER, six));
  watch.look();
  assert.equal(heard.length, 2);
  stop.abort();
  await run;
});

Deno.test("ClaimWatch.look() comes to an end while frames come faster than it reads", async () => {
  const { arp, watch, stop, run } = setUp();
  const { request: frame } = gratuitousArpFrames(OTHER, parseIp("192.0.2.99")!);
  let taken = 0;
  arp.take = () => {
    assert.ok(++taken < 100_000, "it never ends");
    return { frame };
  };
  assert.equal(watch.look(), false);
  assert.ok(taken >= 100, "a burst is read at one go");
  arp.take = () => undefined;
  assert.equal(watch.look(), true);
  stop.abort();
  await run;
});
