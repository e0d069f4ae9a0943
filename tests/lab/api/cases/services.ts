import assert from "node:assert/strict";
import { accepted, balancer, type Body, type Case, refused, service } from "../session.ts";

/** What is particular to Services. */
export const serviceCases: Case[] = [
  {
    name: "POST gives a Service its identity and its defaults",
    async run(api) {
      const created = accepted(await api.post(api.services, balancer("a")), 201);
      const { metadata, spec } = created;
      assert.equal(metadata.namespace, api.namespace);
      assert.match(metadata.uid, /^[0-9a-f-]{36}$/);
      assert.match(metadata.resourceVersion, /^\d+$/);
      assert.match(metadata.creationTimestamp, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
      assert.equal(metadata.generation, undefined);
      assert.equal(spec.type, "LoadBalancer");
      assert.equal(spec.loadBalancerClass, "internal-vip");
      assert.equal(spec.allocateLoadBalancerNodePorts, true);
      assert.equal(spec.externalTrafficPolicy, "Cluster");
      assert.equal(spec.internalTrafficPolicy, "Cluster");
      assert.equal(spec.sessionAffinity, "None");
      assert.deepEqual(spec.clusterIPs, [spec.clusterIP]);
      assert.deepEqual(spec.ipFamilies, ["IPv4"]);
      assert.equal(spec.ipFamilyPolicy, "SingleStack");
      const [{ nodePort, ...port }] = spec.ports;
      assert.deepEqual(port, { protocol: "TCP", port: 80, targetPort: 80 });
      assert.ok(nodePort >= 30_000);
      assert.deepEqual(created.status, { loadBalancer: {} });
      assert.deepEqual(accepted(await api.get(`${api.services}/a`)), created);
      const plain = accepted(await api.post(api.services, service("b")), 201).spec;
      assert.equal(plain.type, "ClusterIP");
      assert.equal(plain.externalTrafficPolicy, undefined);
      assert.equal(plain.ports[0].nodePort, undefined);
    },
  },
  {
    name: "a Service has an address of each of its families, as its policy says",
    async run(api) {
      const families = async (name: string, asked: object) => {
        const body = balancer(name);
        Object.assign(body.spec, asked);
        const { spec } = accepted(await api.post(api.services, body), 201);
        assert.equal(spec.clusterIP, spec.clusterIPs[0]);
        const seen = spec.clusterIPs.map((ip: string) => ip.includes(":") ? "IPv6" : "IPv4");
        assert.deepEqual(seen, spec.ipFamilies);
        return [spec.ipFamilyPolicy, ...spec.ipFamilies];
      };
      const [four, six] = ["IPv4", "IPv6"];
      const [single, prefer, require] = ["SingleStack", "PreferDualStack", "RequireDualStack"];
      assert.deepEqual(await families("a", { ipFamilies: [six] }), [single, six]);
      assert.deepEqual(await families("b", { ipFamilyPolicy: prefer }), [prefer, four, six]);
      assert.deepEqual(
        await families("c", { ipFamilyPolicy: prefer, ipFamilies: [six] }),
        [prefer, six, four],
      );
      assert.deepEqual(
        await families("d", { ipFamilyPolicy: require, ipFamilies: [six, four] }),
        [require, six, four],
      );
    },
  },
  {
    name: "a Service's name, type, ports and class are checked",
    async run(api) {
      const wrong = async (body: unknown, message: string, cause: object) => {
        const name = (body as Body).metadata.name;
        const details = { name, kind: "Service", causes: [cause] };
        const full = `Service "${name}" is invalid: ${message}`;
        refused(await api.post(api.services, body), 422, "Invalid", full, details);
      };
      const label = 'Invalid value: "A_": a DNS-1035 label must consist of lower case ' +
        "alphanumeric characters or '-', start with an alphabetic character, and end with an " +
        "alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is " +
        "'[a-z]([-a-z0-9]*[a-z0-9])?')";
      await wrong(service("A_"), `metadata.name: ${label}`, {
        reason: "FieldValueInvalid",
        message: label,
        field: "metadata.name",
      });
      const types = 'Unsupported value: "Foo": supported values: "ClusterIP", "ExternalName", ' +
        '"LoadBalancer", "NodePort"';
      await wrong(service("c", { type: "Foo" }), `spec.type: ${types}`, {
        reason: "FieldValueNotSupported",
        message: types,
        field: "spec.type",
      });
      await wrong(service("c", { ports: [] }), "spec.ports: Required value", {
        reason: "FieldValueRequired",
        message: "Required value",
        field: "spec.ports",
      });
      const ports = "Invalid value: 70000: must be between 1 and 65535, inclusive";
      const tooHigh = await api.post(api.services, service("c", { ports: [{ port: 70_000 }] }));
      assert.equal(tooHigh.status, 422);
      assert.deepEqual(tooHigh.body.details.causes[0], {
        reason: "FieldValueInvalid",
        message: ports,
        field: "spec.ports[0].port",
      });
      const only = "Forbidden: may only be used when `type` is 'LoadBalancer'";
      await wrong(service("c", { loadBalancerClass: "x" }), `spec.loadBalancerClass: ${only}`, {
        reason: "FieldValueForbidden",
        message: only,
        field: "spec.loadBalancerClass",
      });
      const named = 'Invalid value: "x y": name part must consist of alphanumeric characters, ' +
        "'-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  " +
        "or 'my.name',  or '123-abc', regex used for validation is " +
        "'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
      await wrong(balancer("c", "x y"), `spec.loadBalancerClass: ${named}`, {
        reason: "FieldValueInvalid",
        message: named,
        field: "spec.loadBalancerClass",
      });
      accepted(await api.post(api.services, balancer("c", "example.com/internal")), 201);
    },
  },
  {
    name: "a class cannot change while the type is LoadBalancer",
    async run(api) {
      const created = accepted(await api.post(api.services, balancer("a")), 201);
      const path = `${api.services}/a`;
      const message = (value: string) =>
        `Service "a" is invalid: spec.loadBalancerClass: Invalid value: ${value}: may not change ` +
        "once set";
      const changed = { ...created, spec: { ...created.spec, loadBalancerClass: "other" } };
      refused(await api.put(path, changed), 422, "Invalid", message('"other"'));
      const patch = (value: string | null) =>
        api.patch(path, { spec: { loadBalancerClass: value } });
      refused(await patch("other"), 422, "Invalid", message('"other"'));
      refused(await patch(null), 422, "Invalid", message("null"));
      accepted(await api.post(api.services, service("b", { type: "LoadBalancer" })), 201);
      const late = await api.patch(`${api.services}/b`, { spec: { loadBalancerClass: "late" } });
      assert.equal(late.status, 422);
      // By way of another type it can.
      accepted(await api.patch(path, { spec: { type: "ClusterIP" } }));
      const back = { spec: { type: "LoadBalancer", loadBalancerClass: "other" } };
      assert.equal(accepted(await api.patch(path, back)).spec.loadBalancerClass, "other");
    },
  },
  {
    name: "a type that is no LoadBalancer any more loses class, node ports and status",
    async run(api) {
      const { spec: { clusterIP } } = accepted(await api.post(api.services, balancer("a")), 201);
      const path = `${api.services}/a`;
      const status = { status: { loadBalancer: { ingress: [{ ip: "192.0.2.1" }] } } };
      accepted(await api.patch(`${path}/status`, status));
      const plain = accepted(await api.patch(path, { spec: { type: "ClusterIP" } }));
      assert.deepEqual(plain.status, { loadBalancer: {} });
      for (
        const name of [
          "loadBalancerClass",
          "allocateLoadBalancerNodePorts",
          "externalTrafficPolicy",
        ]
      ) {
        assert.equal(plain.spec[name], undefined, name);
      }
      assert.equal(plain.spec.ports[0].nodePort, undefined);
      assert.equal(plain.spec.clusterIP, clusterIP);
      const external = { spec: { type: "ExternalName", externalName: "example.com" } };
      const named = accepted(await api.patch(path, external));
      assert.deepEqual([named.spec.clusterIP, named.spec.clusterIPs], [undefined, undefined]);
      accepted(await api.post(api.services, balancer("b")), 201);
      const both = { spec: { type: "ClusterIP", loadBalancerClass: "other" } };
      refused(
        await api.patch(`${api.services}/b`, both),
        422,
        "Invalid",
        'Service "b" is invalid: spec.loadBalancerClass: Forbidden: may only be used when `type` ' +
          "is 'LoadBalancer'",
      );
    },
  },
  {
    name: "a Service's status is written by /status alone, and its spec is not",
    async run(api) {
      const created = accepted(await api.post(api.services, balancer("a")), 201);
      const path = `${api.services}/a`;
      const ingress = [{ ip: "192.0.2.1", ipMode: "VIP" }];
      const status = { loadBalancer: { ingress } };
      const main = accepted(await api.patch(path, { status }));
      assert.deepEqual(main.status, { loadBalancer: {} });
      assert.equal(main.metadata.resourceVersion, created.metadata.resourceVersion);
      const patched = accepted(
        await api.patch(`${path}/status`, {
          metadata: { annotations: { note: "kept" } },
          spec: { sessionAffinity: "ClientIP" },
          status,
        }),
      );
      assert.deepEqual(patched.status, status);
      assert.deepEqual(patched.spec, created.spec);
      assert.deepEqual(patched.metadata.annotations, { note: "kept" });
      const put = accepted(
        await api.put(path, {
          ...patched,
          spec: { ...patched.spec, loadBalancerIP: "192.0.2.9" },
          status: {},
        }),
      );
      assert.deepEqual(put.status, status);
      const cleared = accepted(
        await api.put(`${path}/status`, { ...put, status: { loadBalancer: {} } }),
      );
      assert.deepEqual(cleared.status, { loadBalancer: {} });
      assert.equal(cleared.spec.loadBalancerIP, "192.0.2.9");
      const conditions = [{
        type: "Announced",
        status: "True",
        reason: "Held",
        message: "",
        lastTransitionTime: "2024-01-01T00:00:00Z",
      }];
      const withConditions = accepted(
        await api.patch(`${path}/status`, { status: { conditions } }),
      );
      assert.deepEqual(withConditions.status, { conditions, loadBalancer: {} });
    },
  },
  {
    name: "a Service's status is checked",
    async run(api) {
      accepted(await api.post(api.services, balancer("a")), 201);
      accepted(await api.post(api.services, service("b")), 201);
      const write = (ingress: object[], name = "a") =>
        api.patch(`${api.services}/${name}/status`, { status: { loadBalancer: { ingress } } });
      const path = 'Service "a" is invalid: status.loadBalancer.ingress[0]';
      const defaulted = accepted(await write([{ ip: "192.0.2.1" }]));
      assert.deepEqual(defaulted.status.loadBalancer.ingress, [{ ip: "192.0.2.1", ipMode: "VIP" }]);
      accepted(
        await write([{ ip: "192.0.2.1", ipMode: "Proxy" }, { ip: "2001:db8::1", ipMode: "VIP" }]),
      );
      accepted(await write([{ hostname: "example.com" }]));
      refused(
        await write([{ ip: "192.0.2.1", ipMode: "Foo" }]),
        422,
        "Invalid",
        `${path}.ipMode: Unsupported value: "Foo": supported values: "Proxy", "VIP"`,
      );
      refused(
        await write([{ hostname: "x", ipMode: "VIP" }]),
        422,
        "Invalid",
        `${path}.ipMode: Forbidden: may not be specified when \`ip\` is not set`,
      );
      refused(
        await write([{ ip: "192.0.2" }]),
        422,
        "Invalid",
        `${path}.ip: Invalid value: "192.0.2": must be a valid IP address, (e.g. 10.9.8.7 or ` +
          "2001:db8::ffff)",
      );
      refused(
        await write([{ ip: "192.0.2.1" }], "b"),
        422,
        "Invalid",
        'Service "b" is invalid: status.loadBalancer.ingress: Forbidden: may only be used when ' +
          "`spec.type` is 'LoadBalancer'",
      );
    },
  },
];
