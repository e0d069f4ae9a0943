import type { Plane } from "../scenarios/plane.ts";
import { ControlPlane } from "./control_plane.ts";

/** A real kube-apiserver, for scenarios. */
export class RealPlane implements Plane, AsyncDisposable {
  readonly url: string;
  readonly caCert: string;
  readonly token: string;
  readonly auditLog: string;
  #running = true;

  private constructor(readonly control: ControlPlane) {
    this.url = control.url;
    this.caCert = control.caCert;
    this.token = control.token;
    this.auditLog = control.auditLog;
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

  async [Symbol.asyncDispose](): Promise<void> {
    await this.control[Symbol.asyncDispose]();
  }
}
