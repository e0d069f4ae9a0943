import type { Plane, PlaneRequest } from "../scenarios/plane.ts";
import { ApiServer } from "./api/server.ts";

/** The lab's own API server, for scenarios. */
export class EmbeddedPlane implements Plane, AsyncDisposable {
  readonly url: string;
  readonly caCert: string;
  readonly token = "lab";
  #running = true;

  private constructor(readonly api: ApiServer) {
    this.url = api.url;
    this.caCert = api.caCert!;
  }

  static async start(hostname: string): Promise<EmbeddedPlane> {
    return new EmbeddedPlane(
      await ApiServer.start({ hostname, tls: true, users: new Map([["lab", "admin"]]) }),
    );
  }

  async stop(): Promise<void> {
    this.#running = false;
    await this.api.stop();
  }

  start(): Promise<void> {
    if (!this.#running) this.api.resume();
    this.#running = true;
    return Promise.resolve();
  }

  async forget(): Promise<void> {
    this.api.store.compact();
    await this.api.restart();
  }

  requests(): Promise<PlaneRequest[]> {
    return Promise.resolve(this.api.requests.filter(({ status }) => status > 0));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}
