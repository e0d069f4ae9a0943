import assert from "node:assert/strict";
import { cli } from "./cli_helper.ts";

const PLAN = `instances:
- name: public-prod
  loadBalancerClass: example.com/public-prod
  pools:
  - {name: internet, addresses: [192.0.2.16/28], namespaces: [shop]}
- name: private-prod
  loadBalancerClass: example.com/private-prod
  pools: [{name: lan, addresses: [192.0.2.32/28]}]
- name: private-dev
  loadBalancerClass: example.com/private-dev
- name: private-old
  loadBalancerClass: example.com/private-old
  poolConfigMap: kube-system/kubevip
`;

/** A Service, with its wish on the sixth line. */
function service(name: string, of: string, wish: string, more = ""): string {
  const [namespace, short] = name.split("/");
  return `apiVersion: v1
kind: Service
metadata:
  name: ${short}
  namespace: ${namespace}
  annotations: {classvip.io/addresses: "${wish}"${more}}
spec: {type: LoadBalancer, loadBalancerClass: example.com/${of}, ports: [{port: 80}]}
`;
}

/** What `classvip config` says of these files. */
async function check(...files: string[]): Promise<{ code: number; wrong: string[] }> {
  const named = Object.fromEntries(files.map((text, i) => [`/${i + 1}.yaml`, text]));
  const { code, err } = await cli(
    ["config", "--config=/plan.yaml", ...Object.keys(named)],
    {},
    { "/plan.yaml": PLAN, ...named },
  );
  const wrong = err.split("\n").slice(1).map((line) =>
    line.trim().replace(/; right would be: .*/, "").replace(/^classvip\.io\/addresses = /, "")
  );
  return { code, wrong };
}

Deno.test("checkServices() finds nothing wrong with wishes that the plan allows", async () => {
  const right = [
    service("shop/web", "public-prod", "192.0.2.16"),
    service("shop/dns", "private-prod", "192.0.2.32", ", classvip.io/sharing-key: a"),
    service("shop/none", "private-dev", "192.0.2.99"),
    service("shop/old", "private-old", "192.0.2.98"),
    service("shop/foreign", "another", "192.0.2.16"),
    service("shop/ignored", "public-prod", "no", `, classvip.io/ignore: "true"`),
    "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n",
  ];
  assert.deepEqual(await check(right.join("---\n")), { code: 0, wrong: [] });
});

Deno.test("checkServices() reports each wish that the plan does not allow, with file and line", async () => {
  const twice = [
    service("shop/outside", "private-prod", "192.0.2.99"),
    service("shop/theirs", "private-dev", "192.0.2.17, 192.0.2.200"),
    service("blog/elsewhere", "public-prod", "192.0.2.18"),
  ].join("---\n");
  const list = `kind: List
apiVersion: v1
items:
- kind: Service
  metadata: {name: nonsense}
  spec:
    type: LoadBalancer
    loadBalancerClass: example.com/private-old
    loadBalancerIP: 999.0.2.1
`;
  const first = service("shop/first", "private-dev", "192.0.2.201");
  const second = service("shop/second", "private-dev", "192.0.2.201");
  const third = service("shop/third", "private-old", "192.0.2.201");
  const { code, wrong } = await check(twice, list, first, second, third, "a: [");
  assert.equal(code, 2);
  assert.deepEqual(wrong, [
    'file = "/6.yaml" (file /6.yaml:1): Flow sequence in block collection must be sufficiently ' +
    "indented and end with a ]",
    '"192.0.2.99 of Service shop/outside" (file /1.yaml:6): it is in no pool of this instance (lan)',
    '"192.0.2.17 of Service shop/theirs" (file /1.yaml:14): it is in pool internet of instance ' +
    "public-prod",
    '"192.0.2.18 of Service blog/elsewhere" (file /1.yaml:22): pool internet is not for namespace ' +
    "blog",
    'spec.loadBalancerIP = "999.0.2.1 of Service default/nonsense" (file /2.yaml:9): it is not an ' +
    "IP address",
    '"192.0.2.201 of Service shop/second" (file /4.yaml:6): Service shop/first asks for it too ' +
    "(file /3.yaml:6): they have no sharing key in common (annotation classvip.io/sharing-key)",
    '"192.0.2.201 of Service shop/third" (file /5.yaml:6): Service shop/first asks for it too ' +
    "(file /3.yaml:6): its class is example.com/private-dev",
  ]);
});

Deno.test("checkServices() finds annotations and pools that there are not, and files of something else", async () => {
  const typos = [
    service("shop/web", "public-prod", "192.0.2.16", ", classvip.io/pool: internt"),
    service("shop/dns", "private-old", "192.0.2.98", ", classvip.io/pool: any"),
    service("shop/db", "private-dev", "192.0.2.99", ", classvip.io/sharingkey: a"),
  ];
  const { code, wrong } = await check(typos.join("---\n"), "instances: []\n");
  assert.equal(code, 2);
  assert.deepEqual(wrong, [
    'file = "/2.yaml" (file /2.yaml:1): no object of Kubernetes: it has no kind',
    'classvip.io/pool = "internt of Service shop/web" (file /1.yaml:6): instance public-prod has no ' +
    "such pool",
    "classvip.io/sharingkey (file /1.yaml:22): no such annotation, on Service shop/db",
  ]);
});

Deno.test("checkServices() knows the pools of a ConfigMap that is among the files", async () => {
  const configMap = `apiVersion: v1
kind: ConfigMap
metadata: {name: kubevip, namespace: kube-system}
data: {cidr-shop: 192.0.2.64/30, cidr-global: 192.0.2.68/30}
`;
  const { wrong } = await check(
    configMap,
    service("shop/web", "private-old", "192.0.2.64"),
    service("shop/mail", "private-old", "192.0.2.68"),
    service("blog/web", "private-old", "192.0.2.69"),
  );
  assert.deepEqual(wrong, [
    '"192.0.2.68 of Service shop/mail" (file /3.yaml:6): pool cidr-global is not for namespace ' +
    "shop, which has its own",
  ]);
});

Deno.test("checkServices() keeps every class out of the pools in the ConfigMap of another one", async () => {
  const configMap = `apiVersion: v1
kind: ConfigMap
metadata: {name: kubevip, namespace: kube-system}
data:
  cidr-shop: 192.0.2.64/30
  range-blog: 192.0.2.30-192.0.2.33
`;
  const { wrong } = await check(configMap, service("shop/web", "private-dev", "192.0.2.65"));
  assert.deepEqual(wrong, [
    'range-blog = "192.0.2.30-192.0.2.31" (file /1.yaml:6): instance private-old takes it from ' +
    "here, and it is in pool internet of instance public-prod",
    'range-blog = "192.0.2.32-192.0.2.33" (file /1.yaml:6): instance private-old takes it from ' +
    "here, and it is in pool lan of instance private-prod",
    '"192.0.2.65 of Service shop/web" (file /2.yaml:6): it is in pool cidr-shop of instance ' +
    "private-old",
  ]);
});

Deno.test("checkServices() counts what it looked at, and names what nobody serves", async () => {
  const files = {
    "/plan.yaml": PLAN,
    "/services.yaml": [
      service("shop/web", "public-prod", "192.0.2.16"),
      service("shop/typo", "public-prd", "192.0.2.17"),
    ].join("---\n"),
  };
  const { code, out } = await cli(["config", "--config=/plan.yaml", "/services.yaml"], {}, files);
  assert.equal(code, 0);
  assert.match(
    out,
    /\n\nNothing wrong with 4 instances and 2 Services\nServed by none of these instances: 1\n {2}shop\/typo: its class is example\.com\/public-prd\n?$/,
  );
});

Deno.test("checkServices() says which file it cannot read, along with the rest", async () => {
  const { code, err } = await cli(["config", "/gone.yaml"]);
  assert.equal(code, 2);
  assert.match(err, /file = "\/gone\.yaml" \(command line\): does not exist;/);
});

Deno.test("checkServices() wants manifests, and nothing that YAML takes for words", async () => {
  for (const text of ["\u001f\u008b\u0008", "just words", "[]", "a: 1"]) {
    assert.deepEqual(await check(text), {
      code: 2,
      wrong: ['file = "/1.yaml" (file /1.yaml:1): no object of Kubernetes: it has no kind'],
    });
  }
  assert.equal((await check("---\n---\n# later\n")).code, 0);
});
