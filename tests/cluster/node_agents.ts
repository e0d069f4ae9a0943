import type { Agent } from "../lab/agent.ts";
import { kubeconfig } from "../lab/kubeconfig.ts";
import type { LabHost } from "../lab/host.ts";
import type { Stage } from "../scenarios/stage.ts";
import type { Manifest } from "./manifests.ts";
import type { RealPlane } from "./real_plane.ts";

const LOOK_MS = 200;
const NAMESPACES = "/api/v1/namespaces";

/**
 * What controllers and kubelets do that do not run in the lab: an agent on each node for each
 * DaemonSet, with its arguments and the rights of its account; and the end of namespaces.
 */
export class NodeAgents implements AsyncDisposable {
  readonly #running = new Map<string, readonly Agent[]>();
  readonly #stop = new AbortController();
  readonly #work: Promise<void>;
  #error: unknown;

  /**
   * @param program path
   * @param images names of those that the nodes have
   */
  constructor(
    readonly stage: Stage<RealPlane>,
    readonly nodes: readonly LabHost[],
    readonly program: string,
    readonly images: () => Promise<string>,
  ) {
    this.#work = this.#run();
  }

  /** @throws {Error} when one could not be started */
  assertWell(): void {
    if (this.#error !== undefined) throw this.#error;
  }

  async #run(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      try {
        await this.#endNamespaces();
        await this.#follow();
      } catch (error) {
        this.#error ??= error;
      }
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
  }

  async #follow(): Promise<void> {
    const { items } = await this.stage.kube.request<{ items: Manifest[] }>(
      "GET",
      "/apis/apps/v1/daemonsets",
    );
    const wanted = new Map(items.map((one) => [(one.metadata as { uid?: string }).uid!, one]));
    for (const [uid, agents] of this.#running) {
      if (wanted.has(uid)) continue;
      this.#running.delete(uid);
      await Promise.all(agents.map((agent) => agent.terminate()));
    }
    for (const [uid, daemonSet] of wanted) {
      if (this.#running.has(uid)) continue;
      this.#running.set(uid, await this.#start(daemonSet));
    }
  }

  async #start({ metadata, spec }: Manifest): Promise<Agent[]> {
    const { serviceAccountName, containers: [{ image, args }] } = spec.template.spec;
    const images = await this.images();
    if (!images.includes(`"docker.io/library/${image}"`)) {
      throw new Error(`ErrImagePull: ${image}, there is ${images}`);
    }
    const namespace = metadata.namespace!;
    // Admission, with Pod Security, sees the pods that a controller would make.
    const pods = `${NAMESPACES}/${namespace}/pods?dryRun=All&fieldValidation=Strict`;
    await this.stage.kube.request("POST", pods, {
      metadata: { ...spec.template.metadata, generateName: `${metadata.name}-` },
      spec: spec.template.spec,
    });
    const { status } = await this.stage.kube.request<{ status: { token: string } }>(
      "POST",
      `${NAMESPACES}/${namespace}/serviceaccounts/${serviceAccountName}/token`,
      { apiVersion: "authentication.k8s.io/v1", kind: "TokenRequest", spec: {} },
    );
    const { world } = this.stage;
    const path = `${world.dir}/${namespace}-${metadata.name}`;
    const { url: server, caCert } = world.plane;
    await Deno.writeTextFile(path, kubeconfig({ server, caCert, token: status.token }));
    const [, ...flags] = await this.#mount(spec.template.spec, namespace, args, `${path}.d`);
    return await Promise.all(this.nodes.map((node) =>
      this.stage.run(node, {
        kubeconfig: path,
        interface: null,
        command: [this.program],
        env: { POD_NAMESPACE: namespace },
        flags,
      })
    ));
  }

  /** @returns the arguments, with the paths of ConfigMaps as they are on this machine */
  async #mount(
    { volumes = [] }: { volumes?: { name: string; configMap?: { name: string } }[] },
    namespace: string,
    args: readonly string[],
    folder: string,
  ): Promise<string[]> {
    const plan = volumes.find(({ name }) => name === "plan")?.configMap;
    if (plan === undefined) return [...args];
    const { data } = await this.stage.kube.request<{ data: Record<string, string> }>(
      "GET",
      `${NAMESPACES}/${namespace}/configmaps/${plan.name}`,
    );
    await Deno.mkdir(folder);
    for (const [name, text] of Object.entries(data)) {
      await Deno.writeTextFile(`${folder}/${name}`, text);
    }
    return args.map((arg) => arg.replace("/etc/classvip/plan", folder));
  }

  async #endNamespaces(): Promise<void> {
    const { kube } = this.stage;
    const { items } = await kube.request<{ items: Manifest[] }>("GET", NAMESPACES);
    for (const namespace of items) {
      if (namespace["status"].phase !== "Terminating") continue;
      const { metadata: { name } } = namespace;
      await kube.request("DELETE", `/apis/apps/v1/namespaces/${name}/daemonsets`);
      await this.#follow();
      await kube.request("PUT", `${NAMESPACES}/${name}/finalize`, {
        ...namespace,
        spec: { finalizers: [] },
      });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#work;
  }
}
