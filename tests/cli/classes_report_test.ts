import assert from "node:assert/strict";
import { reportClasses } from "../../lib/cli/classes_report.ts";
import { describeReport } from "../../lib/cli/classes_text.ts";
import type { Event } from "../../lib/kube/types.ts";
import { named, NOW_MS, seen } from "../classes/seen.ts";
import type { ServiceView } from "../../lib/services/service_view.ts";
import { view } from "../services/views.ts";

const warning = (reason: string, kind: string, name: string, minutes = 1): Event => ({
  metadata: { name: "e", namespace: "kube-system" },
  involvedObject: { kind, namespace: kind === "Service" ? "shop" : "kube-system", name },
  reason,
  message: `${reason} of ${name}`,
  lastTimestamp: new Date(NOW_MS - minutes * 60_000).toISOString(),
});

const LEASES = [
  seen(named("blue", { pools: ["10.0.0.0/30", "fd00::/126"], priority: "70" })),
  seen(named("red", { scope: "class red or no class in namespaces a,b", holder: "" }), "dead"),
];
const SERVICES = [
  view("web", { shows: ["10.0.0.1", "fd00::1"] }),
  view("shop", { shows: ["10.0.0.2"] }),
  view("waits", { createdAt: new Date(NOW_MS).toISOString() }),
  view("ignored", { annotations: { "classvip.io/ignore": "true" } }),
];

Deno.test("reportClasses() shows each instance with its pools and Services", () => {
  const { instances, findings, hints } = reportClasses({
    leases: LEASES,
    services: SERVICES,
    events: [],
    wallClockMs: NOW_MS,
  });
  assert.deepEqual(instances, [{
    instance: "blue",
    class: "blue",
    alsoClassless: false,
    namespaces: [],
    lease: "kube-system/blue",
    holder: "node-b",
    life: "alive",
    priority: 70,
    pools: [
      { addresses: "10.0.0.0/30", size: 4, used: 2 },
      { addresses: "fd00::/126", size: 4, used: 1 },
    ],
    served: 2,
    pending: 1,
  }, {
    instance: "kube-system/red",
    class: "red",
    alsoClassless: true,
    namespaces: ["a", "b"],
    lease: "kube-system/red",
    holder: null,
    life: "dead",
    priority: null,
    pools: [],
    served: 0,
    pending: 0,
  }]);
  assert.deepEqual(findings.map(({ kind }) => kind), ["NoLiveInstance"]);
  assert.equal(hints.length, 1);
});

Deno.test("reportClasses() counts as pending who has no class and shows what is another controller's", () => {
  const scope = "class blue or no class";
  const of = (pools: readonly string[], ...services: ServiceView[]) => {
    const leases = [seen(named("blue", { scope, pools }))];
    const events = services.map(({ name }) => warning("AddressRefused", "Service", name));
    const { instances, warnings } = reportClasses({
      leases,
      services,
      events,
      wallClockMs: NOW_MS,
    });
    const [{ served, pending }] = instances as [typeof instances[number]];
    return { served, pending, refused: warnings.map(({ object }) => object.name) };
  };
  const none = { class: undefined };
  const pooled = view("pooled", { ...none, shows: ["10.0.0.1"] });
  const both = view("both", { ...none, wish: "10.0.0.2", shows: ["10.0.0.2"] });
  const wished = view("wished", { ...none, wish: "10.9.9.1", shows: ["10.9.9.1"] });
  const old = view("old", { ...none, wish: "10.9.9.2", shows: ["10.9.9.3"] });
  const all = [pooled, both, wished, old];
  assert.deepEqual(of(["10.0.0.0/24"], ...all), {
    ...{ served: 2, pending: 2 },
    refused: ["wished", "old"],
  });
  assert.deepEqual(of([], ...all), { served: 2, pending: 2, refused: ["pooled", "old"] });
});

Deno.test("reportClasses() takes from Events what refused instances say there alone", () => {
  const { findings, warnings } = reportClasses({
    leases: LEASES,
    services: SERVICES,
    events: [
      warning("LeaseShared", "Lease", "blue", 5),
      warning("NoLiveInstance", "Lease", "red"),
      warning("NoLiveInstance", "Lease", "mended"),
      warning("AddressRefused", "Service", "waits"),
    ],
    wallClockMs: NOW_MS,
  });
  assert.deepEqual(findings.map(({ kind, object }) => `${kind} ${object.name}`), [
    "NoLiveInstance red",
    "LeaseShared blue",
  ]);
  assert.deepEqual(warnings.map(({ kind, object }) => `${kind} ${object.name}`), [
    "NoLiveInstance mended",
    "AddressRefused waits",
  ]);
});

Deno.test("reportClasses() leaves out warnings that are over, and those said again since", () => {
  const { warnings } = reportClasses({
    leases: LEASES,
    services: SERVICES,
    events: [
      warning("LimitReached", "Service", "waits", 9),
      warning("LimitReached", "Service", "waits", 2),
      warning("LimitReached", "Service", "waits", 4),
      warning("AddressRefused", "Service", "web"),
      warning("SettingIgnored", "Service", "web"),
      warning("AddressRefused", "Service", "gone"),
    ],
    wallClockMs: NOW_MS,
  });
  assert.deepEqual(
    warnings.map(({ kind, object, secondsAgo }) => [kind, object.name, secondsAgo]),
    [["SettingIgnored", "web", 60], ["LimitReached", "waits", 120]],
  );
});

Deno.test("describeReport() is a table, each finding with what to do, and hints", () => {
  const events = [warning("LeaseShared", "Lease", "blue", 5)];
  const report = reportClasses({ leases: LEASES, services: SERVICES, events, wallClockMs: NOW_MS });
  assert.equal(
    describeReport(report),
    `INSTANCE         CLASS        LEASE             HOLDER  ALIVE  PRIORITY  NAMESPACES  SERVED  PENDING  POOLS (USED/SIZE)
blue             blue         kube-system/blue  node-b  yes    70        all         2       1        10.0.0.0/30 (2/4), fd00::/126 (1/4)
kube-system/red  red, (none)  kube-system/red   -       no     -         a,b         0       0        -

Mix-ups found: 2
  NoLiveInstance: Lease kube-system/red
    No instance for class red or no class in namespaces a,b is alive: Lease kube-system/red has no holder
    What to do: start an instance of it where it may hold (the log and /readyz of one that runs say what is in its way), or, when there is to be none any more, kubectl delete lease --namespace=kube-system red
  LeaseShared: Lease kube-system/blue (said 5 min ago)
    LeaseShared of blue

Hints:
  the name <network>-<environment>, such as public-prod, would tell more than blue, red`,
  );
});

Deno.test("describeReport() says so where nothing is there, and nothing is mixed up", () => {
  const report = reportClasses({ leases: [], services: [], events: [], wallClockMs: NOW_MS });
  assert.match(describeReport(report), /^There is no Lease of classvip.*\n\nNo mix-ups found$/);
});
