import type { Logger } from "../observe/logger.ts";
import type { Metrics } from "../observe/metrics.ts";
import type { Health, HealthReport } from "./health.ts";
import type { Task } from "./task.ts";

/** /healthz, /readyz and /metrics, of all instances or of one. */
export class HttpServer implements Task {
  readonly name = "http";
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  /**
   * Listens at once.
   *
   * @param options.chosen the user chose the port: taken is an error; else another is taken and said
   * @throws {Error} that names the address, with the cause
   */
  constructor(
    options: { address: string; chosen: boolean; health: Health; metrics: Metrics; logger: Logger },
  ) {
    const { health, metrics, logger } = options;
    const { hostname, port } = splitAddress(options.address);
    const handler = async (request: Request) => {
      const { path, instance } = asked(new URL(request.url));
      if (instance !== undefined && !metrics.instances.has(instance)) {
        const names = [...metrics.instances].join(", ");
        return new Response(`There is no instance ${instance}, but ${names}\n`, { status: 404 });
      }
      switch (path) {
        case "/healthz":
          return answer(health.live(instance));
        case "/readyz":
          return answer(health.ready(instance));
        case "/metrics":
          return new Response(await metrics.render(instance), {
            headers: { "content-type": metrics.contentType },
          });
        default:
          return new Response(ELSEWHERE, { status: 404 });
      }
    };
    const serve = (port: number) =>
      Deno.serve({ hostname, port, onListen: () => {} }, handler) as Deno.HttpServer<Deno.NetAddr>;
    try {
      this.#server = serve(port);
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse) || options.chosen) {
        const remedy = "set httpAddress to another one, or to off";
        throw new Error(`Cannot listen on ${options.address}, ${remedy}`, { cause: error });
      }
      this.#server = serve(0);
      logger.warn(`port ${port} is taken, another is used: set httpAddress to choose one`, {
        address: this.address,
      });
    }
    logger.info("serving health and metrics", { address: this.address });
  }

  /** host:port that it listens on. */
  get address(): string {
    const { hostname, port } = this.#server.addr;
    return hostname.includes(":") ? `[${hostname}]:${port}` : `${hostname}:${port}`;
  }

  async run(signal: AbortSignal): Promise<void> {
    const stop = () => void this.#server.shutdown();
    if (signal.aborted) stop();
    else signal.addEventListener("abort", stop, { once: true });
    await this.#server.finished;
  }
}

const ELSEWHERE = "There are /healthz, /readyz (/readyz/NAME for one instance) and /metrics " +
  "(/metrics?instance=NAME)\n";

/** `/readyz/NAME` and `/metrics?instance=NAME` ask for one instance; its name may have slashes. */
function asked({ pathname, searchParams }: URL): { path: string; instance: string | undefined } {
  const [, path, name] = /^(\/healthz|\/readyz)\/(.+)$/.exec(pathname) ?? [];
  const instance = searchParams.get("instance") ?? undefined;
  if (path === undefined || name === undefined) return { path: pathname, instance };
  return { path, instance: decoded(name) };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function answer(report: HealthReport): Response {
  return Response.json(report, { status: report.healthy ? 200 : 503 });
}

/** @param address `host:port`, `[v6]:port` or `:port` */
function splitAddress(address: string): { hostname: string; port: number } {
  const colon = address.lastIndexOf(":");
  const hostname = address.slice(0, colon).replace(/^\[|\]$/g, "");
  return { hostname: hostname || "0.0.0.0", port: Number(address.slice(colon + 1)) };
}
