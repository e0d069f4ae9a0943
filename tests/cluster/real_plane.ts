import type { Plane, PlaneRequest } from "../scenarios/plane.ts";
import { ControlPlane } from "./control_plane.ts";

/** What is read of an audit event of kube-apiserver. */
interface AuditEvent {
  readonly verb: string;
  readonly requestURI: string;
  readonly user: { readonly username: string };
  readonly objectRef?: { readonly resource: string; readonly subresource?: string };
  readonly responseStatus?: { readonly code: number };
}

/** A request, and who sent it. */
export interface AuditedRequest extends PlaneRequest {
  readonly user: string;
  /** As a role grants it: "patch services/status". */
  readonly right: string;
}

const METHODS: Record<string, string> = {
  create: "POST",
  update: "PUT",
  patch: "PATCH",
  delete: "DELETE",
};

/** A real kube-apiserver, for scenarios. */
export class RealPlane implements Plane, AsyncDisposable {
  readonly url: string;
  readonly caCert: string;
  readonly token: string;
  #running = true;

  private constructor(readonly control: ControlPlane) {
    this.url = control.url;
    this.caCert = control.caCert;
    this.token = control.token;
  }

  static async start(assets: string, hostname: string, dir: string): Promise<RealPlane> {
    return new RealPlane(
      await ControlPlane.start({ assets, hostname, dir: `${dir}/control-plane` }),
    );
  }

  /** A crash: whoever is connected finds out by himself. */
  async stop(): Promise<void> {
    this.#running = false;
    await this.control.stopApiServer("SIGKILL");
  }

  async start(): Promise<void> {
    if (!this.#running) await this.control.startApiServer();
    this.#running = true;
  }

  forget(): Promise<void> {
    return this.control.forget();
  }

  /** From the audit log, which has each request before its answer goes out. */
  async requests(): Promise<AuditedRequest[]> {
    const text = await Deno.readTextFile(this.control.auditLog);
    // The last line may be half written.
    const lines = text.split("\n").slice(0, -1);
    return lines.map((line) => {
      const { verb, requestURI, user, objectRef, responseStatus }: AuditEvent = JSON.parse(line);
      const { resource = "", subresource } = objectRef ?? {};
      return {
        method: METHODS[verb] ?? "GET",
        path: requestURI.split("?")[0]!,
        status: responseStatus?.code ?? 0,
        user: user.username,
        right: `${verb} ${resource}${subresource === undefined ? "" : `/${subresource}`}`,
      };
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.control[Symbol.asyncDispose]();
  }
}
