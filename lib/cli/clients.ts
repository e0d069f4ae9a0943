import type { ProcessConfig } from "../config/instance.ts";
import { type Clients, connect } from "../kube/client.ts";
import { loadCredentials } from "../kube/credentials.ts";
import { keepMemoryPrivate } from "../sys/private_memory.ts";
import { sendAtOnce } from "../sys/tcp.ts";
import { VERSION } from "../version.ts";
import type { CliContext } from "./context.ts";

/**
 * The API server that the settings name.
 *
 * @throws {KubeError} when there are no credentials for it
 * @throws {KubeconfigError} when they cannot be used
 */
export async function loadClients(
  { env }: Pick<CliContext, "env">,
  { kubeconfig, kubernetesServer: server }: ProcessConfig,
): Promise<Clients> {
  keepMemoryPrivate();
  const credentials = await loadCredentials({ kubeconfig, server, env });
  return connect(credentials, { userAgent: `classvip/${VERSION}`, sendAtOnce });
}
