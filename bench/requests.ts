/** One request, as the API server counts it. */
export interface Request {
  readonly verb: string;
  /** Resource and subresource, "services/status". */
  readonly resource: string;
  /** Where it came from; "" where that is not known. */
  readonly sourceIp: string;
  /** A watch that goes on, where that is known. */
  readonly open: boolean;
}

/** Everything that was asked of the API server, from the bench's own requests too. */
export interface RequestLog {
  /** All requests so far, oldest first. */
  read(): Promise<readonly Request[]>;
}

interface AuditEvent {
  readonly auditID: string;
  readonly stage: string;
  readonly verb: string;
  readonly sourceIPs?: readonly string[];
  readonly objectRef?: { readonly resource: string; readonly subresource?: string };
}

/** The requests of kube-apiserver's audit log, each once: a watch has an event for either end. */
export function auditedRequests(text: string): Request[] {
  const requests = new Map<string, Request>();
  // The last line may be half written.
  for (const line of text.split("\n").slice(0, -1)) {
    const { auditID, stage, verb, sourceIPs, objectRef }: AuditEvent = JSON.parse(line);
    const { resource = "", subresource } = objectRef ?? {};
    requests.set(auditID, {
      verb,
      resource: subresource === undefined ? resource : `${resource}/${subresource}`,
      sourceIp: sourceIPs?.[0] ?? "",
      open: stage === "ResponseStarted",
    });
  }
  return [...requests.values()];
}

const VERBS: Record<string, string> = {
  POST: "create",
  PUT: "update",
  PATCH: "patch",
  DELETE: "delete",
};
const RESOURCE =
  /^\/(?:api\/v1|apis\/[^/]+\/[^/]+)\/(?:namespaces\/[^/]+\/)?([^/]+)(?:\/([^/]+))?(?:\/([^/]+))?$/;

/** A request by its verb and resource, as the audit log would have it. */
export function classify(
  method: string,
  path: string,
  query: Readonly<Record<string, string>>,
): Request {
  const [, resource = "", name, subresource] = RESOURCE.exec(path) ?? [];
  const reading = name !== undefined ? "get" : query["watch"] === undefined ? "list" : "watch";
  return {
    verb: VERBS[method] ?? reading,
    resource: subresource === undefined ? resource : `${resource}/${subresource}`,
    sourceIp: "",
    open: false,
  };
}

const WRITES = new Set(["create", "update", "patch", "delete"]);

export function isWrite({ verb }: Request): boolean {
  return WRITES.has(verb);
}

/** @returns "verb resource" with its count, most frequent first. */
export function countByKind(requests: readonly Request[]): [kind: string, count: number][] {
  const groups = Map.groupBy(requests, ({ verb, resource }) => `${verb} ${resource || "(other)"}`);
  return [...groups].map(([kind, { length }]): [string, number] => [kind, length])
    .sort((a, b) => b[1] - a[1]);
}
