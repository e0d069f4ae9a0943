import type { History } from "./history.ts";
import type { ApiObject } from "./resources.ts";
import type { Route } from "./route.ts";
import { fieldSelector, labelSelector, type Predicate } from "./selectors.ts";
import { badRequest, expired, StatusError } from "./status.ts";

/** How long a list waits for a resourceVersion that is not there yet, as kube-apiserver does. */
const FRESH_MS = 3_000;

/** What both a list and a watch ask for. @throws {StatusError} 400. */
export function selection({ resource, namespace }: Route, query: URLSearchParams): Predicate {
  const byLabel = labelSelector(query.get("labelSelector") ?? "");
  const byField = fieldSelector(query.get("fieldSelector") ?? "", resource);
  return (object) =>
    (!namespace || object.metadata.namespace === namespace) && byLabel(object) && byField(object);
}

/**
 * Answers a list, whole or in pages.
 *
 * @param stale As of this resourceVersion, whatever was asked for.
 * @throws {StatusError} 400, 410, 504.
 */
export async function list(
  history: History,
  route: Route,
  query: URLSearchParams,
  stale?: number,
): Promise<Record<string, unknown>> {
  const select = selection(route, query);
  const limit = parseLimit(query.get("limit"));
  const token = query.get("continue");
  const from = token ? parseToken(token) : undefined;
  const wanted = from?.rv ?? await wantedVersion(history, query);
  const at = stale ?? wanted ?? history.resourceVersion;
  let objects: ApiObject[];
  try {
    objects = history.list(route.resource, at);
  } catch (error) {
    throw error instanceof StatusError ? tooOld(history, from) : error;
  }
  const found = objects.filter((object) => select(object) && (!from || keyOf(object) > from.start));
  const page = limit ? found.slice(0, limit) : found;
  const metadata: Record<string, unknown> = { resourceVersion: String(at) };
  if (page.length < found.length) {
    metadata.continue = makeToken(at, keyOf(page.at(-1)!));
    // It counts keys, so it is left out where a selector would make it wrong.
    if (!query.get("labelSelector") && !query.get("fieldSelector")) {
      metadata.remainingItemCount = found.length - page.length;
    }
  }
  const { group, kind } = route.resource;
  return {
    kind: `${kind}List`,
    apiVersion: group ? `${group}/v1` : "v1",
    metadata,
    // The items of a list do not repeat their kind.
    items: page.map(({ kind: _kind, apiVersion: _apiVersion, ...item }) => item),
  };
}

async function wantedVersion(history: History, query: URLSearchParams) {
  const text = query.get("resourceVersion") ?? "";
  if (text === "" || text === "0") return undefined;
  if (!/^\d+$/.test(text)) {
    throw badRequest(
      `invalid resource version: resourceVersion: Invalid value: "${text}": ` +
        `strconv.ParseUint: parsing "${text}": invalid syntax`,
    );
  }
  const version = Number(text);
  const exact = query.get("resourceVersionMatch") === "Exact";
  if (version > history.resourceVersion) await reached(history, version);
  return exact ? version : undefined;
}

async function reached(history: History, version: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, FRESH_MS);
  const stop = history.subscribe((change) => change.resourceVersion >= version && resolve());
  await promise;
  stop();
  clearTimeout(timer);
  if (history.resourceVersion >= version) return;
  const message = "Too large resource version";
  throw new StatusError(
    504,
    "Timeout",
    `Timeout: ${message}: ${version}, current: ${history.resourceVersion}`,
    { causes: [{ reason: "ResourceVersionTooLarge", message }], retryAfterSeconds: 1 },
  );
}

function tooOld(history: History, from?: Token): StatusError {
  if (!from) return expired("The resourceVersion for the provided list is too old.");
  return expired(
    "The provided continue parameter is too old to display a consistent list result. You can " +
      "start a new list without the continue parameter, or use the continue token in this " +
      "response to retrieve the remainder of the results. Continuing with the provided token " +
      "results in an inconsistent list - objects that were created, modified, or deleted between " +
      "the time the first chunk was returned and now may show up in the list.",
    { continue: makeToken(history.resourceVersion, from.start) },
  );
}

interface Token {
  rv: number;
  start: string;
}

function makeToken(rv: number, start: string): string {
  return btoa(JSON.stringify({ v: "meta.k8s.io/v1", rv, start })).replace(/=+$/, "");
}

function parseToken(text: string): Token {
  try {
    return JSON.parse(atob(text));
  } catch {
    throw badRequest("invalid continue token: continue key is not valid: illegal base64 data");
  }
}

function parseLimit(text: string | null): number {
  if (text === null || /^\d+$/.test(text)) return Number(text);
  throw badRequest(`strconv.ParseInt: parsing "${text}": invalid syntax`);
}

function keyOf({ metadata }: ApiObject): string {
  return `${metadata.namespace ?? ""}/${metadata.name}`;
}
