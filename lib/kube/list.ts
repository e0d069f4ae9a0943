import { KubeError } from "./errors.ts";
import type { KubeClient, KubeObject } from "./types.ts";

const PAGE_SIZE = 500;

/** A list as the API server gives it. */
export interface ListPage<T> {
  readonly metadata: { readonly resourceVersion: string; readonly continue?: string };
  readonly items?: readonly T[] | null;
}

/**
 * Never take for an empty list what some proxy in between made up.
 *
 * @throws {KubeError} when it is no list
 */
export function checkedPage<T>(page: Partial<ListPage<T>> | undefined, path: string): ListPage<T> {
  if (typeof page?.metadata?.resourceVersion === "string") return page as ListPage<T>;
  throw new KubeError(`GET ${path} was answered with something that is not a list`, {
    status: 0,
    reason: "Unreadable",
  });
}

/**
 * Lists a collection, page by page.
 *
 * @param query selectors; a server that does not know the field selector (400) lists all
 * @throws {KubeError} as `request()`
 */
export async function listAll<T extends KubeObject>(
  client: KubeClient,
  path: string,
  query: Record<string, string> = {},
): Promise<T[]> {
  const items: T[] = [];
  let next: string | undefined;
  try {
    do {
      const page: Partial<ListPage<T>> | undefined = await client.request({
        method: "GET",
        path,
        query: { ...query, limit: String(PAGE_SIZE), continue: next },
      });
      const { metadata, items: more } = checkedPage(page, path);
      items.push(...more ?? []);
      next = metadata.continue || undefined;
    } while (next !== undefined);
  } catch (error) {
    const { fieldSelector, ...rest } = query;
    if (!(error instanceof KubeError) || error.status !== 400 || fieldSelector === undefined) {
      throw error;
    }
    return await listAll(client, path, rest);
  }
  return items;
}
