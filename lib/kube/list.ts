import { KubeError } from "./errors.ts";
import type { KubeClient, KubeObject } from "./types.ts";

const PAGE_SIZE = 500;

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
      const page: { metadata?: { continue?: string }; items?: T[] | null } = await client.request({
        method: "GET",
        path,
        query: { ...query, limit: String(PAGE_SIZE), continue: next },
      });
      items.push(...page.items ?? []);
      next = page.metadata?.continue || undefined;
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
