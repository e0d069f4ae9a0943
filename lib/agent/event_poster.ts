import { KubeError } from "../kube/errors.ts";
import type { KubeClient } from "../kube/types.ts";
import type { EventRecorderOptions } from "../observe/events.ts";

/** @returns a function that creates an Event, and says when the server asks for a pause. */
export function eventPoster(client: KubeClient): EventRecorderOptions["post"] {
  return async (event, signal) => {
    const path = `/api/v1/namespaces/${event.metadata.namespace}/events`;
    try {
      await client.request({ method: "POST", path, body: event, signal });
      return undefined;
    } catch (error) {
      if (!(error instanceof KubeError)) throw error;
      // Another process has said it in the same words.
      if (error.reason === "AlreadyExists") return undefined;
      if (error.status !== 429) throw error;
      return { afterMs: error.retryAfterMs };
    }
  };
}
