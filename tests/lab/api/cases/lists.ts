import assert from "node:assert/strict";
import { accepted, balancer, type Body, type Case, lease, refused, service } from "../session.ts";

/** Lists: versions, pages, selectors, and versions that are forgotten. */
export const listCases: Case[] = [
  {
    name: "lists give the version they were read at",
    async run(api) {
      const empty = accepted(await api.get(api.services));
      assert.equal(empty.kind, "ServiceList");
      assert.deepEqual(empty.items, []);
      const a = accepted(await api.post(api.services, service("a")), 201);
      accepted(await api.post(api.services, service("b")), 201);
      const list = accepted(await api.get(api.services));
      assert.ok(Number(list.metadata.resourceVersion) > Number(empty.metadata.resourceVersion));
      assert.deepEqual(list.items.map((item: Body) => item.metadata.name), ["a", "b"]);
      assert.deepEqual([list.items[0].kind, list.items[0].apiVersion], [undefined, undefined]);
      const all = accepted(await api.get("/api/v1/services?fieldSelector=metadata.name%3Da"));
      assert.ok(all.items.some((item: Body) => item.metadata.uid === a.metadata.uid));
      const exact = `resourceVersion=${a.metadata.resourceVersion}&resourceVersionMatch=Exact`;
      const then = accepted(await api.get(`${api.services}?${exact}`));
      assert.deepEqual(then.items.map((item: Body) => item.metadata.name), ["a"]);
      refused(
        await api.get(`${api.services}?resourceVersion=abc`),
        400,
        "BadRequest",
        'invalid resource version: resourceVersion: Invalid value: "abc": strconv.ParseUint: ' +
          'parsing "abc": invalid syntax',
      );
    },
  },
  {
    name: "lists come in pages of one version",
    async run(api) {
      for (const name of ["a", "b", "c"]) accepted(await api.post(api.leases, lease(name)), 201);
      const first = accepted(await api.get(`${api.leases}?limit=2`));
      assert.deepEqual(first.items.map((item: Body) => item.metadata.name), ["a", "b"]);
      assert.equal(first.metadata.remainingItemCount, 1);
      accepted(await api.post(api.leases, lease("d")), 201);
      const query = `limit=2&continue=${encodeURIComponent(first.metadata.continue)}`;
      const second = accepted(await api.get(`${api.leases}?${query}`));
      assert.deepEqual(second.items.map((item: Body) => item.metadata.name), ["c"]);
      assert.equal(second.metadata.resourceVersion, first.metadata.resourceVersion);
      assert.equal(second.metadata.continue, undefined);
      const odd = await api.get(`${api.leases}?limit=1&continue=bogus`);
      assert.deepEqual([odd.status, odd.body.reason], [400, "BadRequest"]);
      assert.match(odd.body.message, /^invalid continue token: continue key is not valid/);
    },
  },
  {
    name: "lists wait for a version to come, and then say that it did not",
    async run(api) {
      const { metadata } = accepted(await api.get(api.services));
      const answer = await api.get(
        `${api.services}?resourceVersion=${Number(metadata.resourceVersion) + 9_999_999}`,
      );
      assert.equal(answer.status, 504);
      assert.equal(answer.body.reason, "Timeout");
      assert.match(answer.body.message, /^Timeout: Too large resource version: \d+, current: \d+$/);
      assert.equal(answer.headers.get("retry-after"), "1");
    },
  },
  {
    name: "label selectors",
    async run(api) {
      accepted(
        await api.post(api.services, service("a", {}, { labels: { tier: "web", env: "prod" } })),
        201,
      );
      accepted(await api.post(api.services, service("b", {}, { labels: { tier: "db" } })), 201);
      accepted(await api.post(api.services, service("c")), 201);
      for (
        const [selector, names] of [
          ["tier=web", ["a"]],
          ["tier==web,env=prod", ["a"]],
          ["tier!=web", ["b", "c"]],
          ["tier in (web, db)", ["a", "b"]],
          ["tier notin (web)", ["b", "c"]],
          ["tier", ["a", "b"]],
          ["!env", ["b", "c"]],
          ["env notin (dev),tier in (web)", ["a"]],
        ] as const
      ) {
        const query = new URLSearchParams({ labelSelector: selector });
        const { items } = accepted(await api.get(`${api.services}?${query}`));
        assert.deepEqual(items.map((item: Body) => item.metadata.name), names, selector);
      }
      const open = await api.get(`${api.services}?labelSelector=a+in+(b`);
      const message = "unable to parse requirement: found '', expected: ',' or ')'";
      refused(open, 400, "BadRequest", message);
    },
  },
  {
    name: "field selectors",
    async run(api) {
      accepted(await api.post(api.services, balancer("a")), 201);
      accepted(await api.post(api.services, service("b")), 201);
      for (
        const [selector, names] of [
          ["spec.type=LoadBalancer", ["a"]],
          ["spec.type!=LoadBalancer", ["b"]],
          ["metadata.name=b", ["b"]],
          [`metadata.namespace=${api.namespace},metadata.name!=b`, ["a"]],
        ] as const
      ) {
        const query = new URLSearchParams({ fieldSelector: selector });
        const { items } = accepted(await api.get(`${api.services}?${query}`));
        assert.deepEqual(items.map((item: Body) => item.metadata.name), names, selector);
      }
      const list = (path: string, selector: string) =>
        api.get(`${path}?${new URLSearchParams({ fieldSelector: selector })}`);
      refused(
        await list(api.services, "foo=bar"),
        400,
        "BadRequest",
        "field label not supported: foo",
      );
      refused(
        await list(api.leases, "spec.holderIdentity=x"),
        400,
        "BadRequest",
        '"spec.holderIdentity" is not a known field selector: only "metadata.name", ' +
          '"metadata.namespace"',
      );
      refused(
        await list(api.services, "spec.type"),
        400,
        "BadRequest",
        "invalid selector: 'spec.type'; can't understand 'spec.type'",
      );
    },
  },
  {
    name: "versions that are forgotten are answered with 410",
    async run(api) {
      const first = accepted(await api.post(api.leases, lease("a")), 201).metadata;
      accepted(await api.post(api.leases, lease("b")), 201);
      const page = accepted(await api.get(`${api.leases}?limit=1`)).metadata;
      accepted(await api.post(api.leases, lease("c")), 201);
      await api.target.forget();
      await using watch = await api.watch(api.leases, { resourceVersion: first.resourceVersion });
      const error = await watch.next();
      assert.equal(error?.type, "ERROR");
      const { kind, status, reason, code, message } = error.object;
      assert.deepEqual([kind, status, reason, code], ["Status", "Failure", "Expired", 410]);
      assert.match(
        message,
        new RegExp(`^too old resource version: ${first.resourceVersion} \\(\\d+\\)$`),
      );
      assert.equal(await watch.next(), undefined);
      const exact = `resourceVersion=${first.resourceVersion}&resourceVersionMatch=Exact`;
      const list = await api.get(`${api.leases}?${exact}`);
      refused(list, 410, "Expired", "The resourceVersion for the provided list is too old.");
      const next = (token: string) =>
        api.get(`${api.leases}?limit=1&continue=${encodeURIComponent(token)}`);
      const continued = await next(page.continue);
      assert.deepEqual([continued.status, continued.body.reason], [410, "Expired"]);
      assert.match(
        continued.body.message,
        /^The provided continue parameter is too old to display/,
      );
      const rest = accepted(await next(continued.body.metadata.continue));
      assert.equal(rest.items[0].metadata.name, "b");
    },
  },
];
