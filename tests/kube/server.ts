import type { Credentials } from "../../lib/kube/credentials.ts";

/** Answers one request; the index counts the requests from 0. */
export type Script = (request: Request, index: number) => Response | Promise<Response>;

/** An HTTP server that follows a script, and remembers what it was asked. */
export class ScriptedServer implements AsyncDisposable {
  readonly seen: { method: string; url: URL; headers: Headers; body: string }[] = [];
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  constructor(script: Script, options: { port?: number } = {}) {
    const listen = { hostname: "127.0.0.1", port: options.port ?? 0, onListen() {} };
    this.#server = Deno.serve(listen, async (request) => {
      const index = this.seen.length;
      const { method, headers } = request;
      const entry = { method, url: new URL(request.url), headers, body: "" };
      this.seen.push(entry);
      entry.body = await request.text();
      return await script(request, index);
    });
  }

  get port(): number {
    return this.#server.addr.port;
  }

  get credentials(): Credentials {
    return fakeCredentials(`http://127.0.0.1:${this.port}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }
}

/** A TCP server that shows faults beneath HTTP: `serve` has the connection once a request came. */
export class RawServer implements AsyncDisposable {
  connections = 0;
  readonly #listener: Deno.TcpListener;
  readonly #open = new Set<Deno.TcpConn>();
  readonly #done: Promise<void>;

  constructor(serve: (connection: Deno.TcpConn, index: number) => Promise<void>) {
    this.#listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    this.#done = this.#accept(serve);
  }

  get credentials(): Credentials {
    const { port } = this.#listener.addr as Deno.NetAddr;
    return fakeCredentials(`http://127.0.0.1:${port}`);
  }

  async #accept(serve: (connection: Deno.TcpConn, index: number) => Promise<void>) {
    const serving: Promise<void>[] = [];
    for await (const connection of this.#listener) {
      this.#open.add(connection);
      const index = this.connections++;
      serving.push(
        connection.read(new Uint8Array(4096)).then(() => serve(connection, index)).catch(() => {}),
      );
    }
    await Promise.all(serving);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    for (const connection of this.#open) {
      try {
        connection.close();
      } catch {
        // The script closed it.
      }
    }
    await this.#done;
  }
}

export function fakeCredentials(server: string, more: Partial<Credentials> = {}): Credentials {
  return {
    server,
    origin: "the test",
    namespace: undefined,
    proxyUrl: undefined,
    caCerts: [],
    cert: undefined,
    key: undefined,
    authorization: () => Promise.resolve(undefined),
    ...more,
  };
}

export function status(code: number, reason: string, message: string): Response {
  return Response.json({ kind: "Status", status: "Failure", code, reason, message }, {
    status: code,
  });
}

/** Sends text chunk by chunk; stays open afterwards unless `close` is set. */
export function streaming(chunks: (string | Uint8Array)[], close = false): Response {
  const encoder = new TextEncoder();
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const chunk of chunks) {
        controller.enqueue(typeof chunk === "string" ? encoder.encode(chunk) : chunk);
      }
      if (close) controller.close();
    },
  });
  return new Response(body, { headers: { "content-type": "application/json" } });
}

/** No answer until the client goes away. */
export function never(request: Request): Promise<Response> {
  const { promise, resolve } = Promise.withResolvers<Response>();
  request.signal.addEventListener("abort", () => resolve(new Response()));
  return promise;
}
