/** A request, read to its end. */
export interface HttpRequest {
  method: string;
  /** Without the query. */
  path: string;
  query: URLSearchParams;
  headers: Headers;
  body: string;
  /** Aborted when the connection is closed, by either side. */
  closed: AbortSignal;
}

/** The way back to the client. */
export interface Reply {
  /** Sends a whole response. */
  send(status: number, headers: Record<string, string>, body: string): Promise<void>;
  /** Sends the head of a chunked response. */
  begin(status: number, headers: Record<string, string>): Promise<void>;
  chunk(text: string): Promise<void>;
  /** Sends the last chunk. */
  end(): Promise<void>;
  /** Closes the connection as it is. */
  close(): void;
}

export type Handler = (request: HttpRequest, reply: Reply) => Promise<void>;

/** Where to listen. */
export interface ListenOptions {
  hostname: string;
  port: number;
  tls?: { cert: string; key: string } | undefined;
}

/**
 * A server of HTTP/1.1 (RFC 9112) that leaves each connection in the handler's hands.
 *
 * Deno.serve() hides the connection, but the faults of the lab are made of connections: closed
 * without an answer, never answered, cut in the middle of a line.
 */
export class HttpServer {
  readonly #listener: Deno.Listener;
  readonly #connections = new Map<Connection, Promise<void>>();
  readonly #accepting: Promise<void>;

  constructor(options: ListenOptions, handler: Handler) {
    const { hostname, port, tls } = options;
    this.#listener = tls
      ? Deno.listenTls({ hostname, port, ...tls, alpnProtocols: ["http/1.1"] })
      : Deno.listen({ hostname, port });
    this.#accepting = this.#accept(handler);
  }

  get port(): number {
    return (this.#listener.addr as Deno.NetAddr).port;
  }

  /** Closes every connection and leaves the port open. */
  closeConnections(): void {
    for (const connection of this.#connections.keys()) connection.close();
  }

  /** Closes port and connections; resolves when all handlers have returned. */
  async close(): Promise<void> {
    this.#listener.close();
    this.closeConnections();
    await this.#accepting;
    await Promise.all(this.#connections.values());
  }

  async #accept(handler: Handler): Promise<void> {
    for await (const conn of this.#listener) {
      // Or an event waits for the client's delayed acknowledgement of the one before: 40 ms.
      if ("setNoDelay" in conn) (conn as Deno.TcpConn).setNoDelay();
      const connection = new Connection(conn);
      const served = connection.serve(handler).finally(() => this.#connections.delete(connection));
      this.#connections.set(connection, served);
    }
  }
}

class Connection implements Reply {
  readonly #conn: Deno.Conn;
  readonly #closed = new AbortController();
  #received = new Uint8Array();
  #wake = () => {};

  constructor(conn: Deno.Conn) {
    this.#conn = conn;
  }

  close(): void {
    if (this.#closed.signal.aborted) return;
    this.#closed.abort();
    this.#conn.close();
    this.#wake();
  }

  async serve(handler: Handler): Promise<void> {
    const receiving = this.#receive();
    try {
      let request: HttpRequest | undefined;
      while ((request = await this.#request())) {
        await handler(request, this);
        if (request.headers.get("connection")?.toLowerCase() === "close") break;
      }
    } catch (error) {
      // A peer that went away is no concern of the server's.
      if (!this.#closed.signal.aborted) throw error;
    } finally {
      this.close();
      await receiving;
    }
  }

  async send(status: number, headers: Record<string, string>, body: string): Promise<void> {
    const bytes = new TextEncoder().encode(body);
    await this.#write(head(status, { ...headers, "Content-Length": String(bytes.length) }) + body);
  }

  async begin(status: number, headers: Record<string, string>): Promise<void> {
    await this.#write(head(status, { ...headers, "Transfer-Encoding": "chunked" }));
  }

  async chunk(text: string): Promise<void> {
    const { length } = new TextEncoder().encode(text);
    await this.#write(`${length.toString(16)}\r\n${text}\r\n`);
  }

  async end(): Promise<void> {
    await this.#write("0\r\n\r\n");
  }

  /** Reads all the time, to see at once that the peer closes. */
  async #receive(): Promise<void> {
    const buffer = new Uint8Array(16_384);
    try {
      let size: number | null;
      while ((size = await this.#conn.read(buffer)) !== null) {
        const joined = new Uint8Array(this.#received.length + size);
        joined.set(this.#received);
        joined.set(buffer.subarray(0, size), this.#received.length);
        this.#received = joined;
        this.#wake();
      }
    } catch {
      // Reset by the peer, a failed TLS handshake, or closed here: the connection is over.
    }
    this.close();
  }

  async #request(): Promise<HttpRequest | undefined> {
    let end: number;
    while ((end = indexOfBlankLine(this.#received)) < 0) {
      if (!await this.#more()) return undefined;
    }
    const [start, ...lines] = new TextDecoder().decode(this.#take(end)).trimEnd().split("\r\n");
    const [method = "", target = ""] = start!.split(" ");
    const headers = new Headers(lines.map((line): [string, string] => {
      const colon = line.indexOf(":");
      return [line.slice(0, colon), line.slice(colon + 1).trim()];
    }));
    const length = Number(headers.get("content-length") ?? 0);
    while (this.#received.length < length) {
      if (!await this.#more()) return undefined;
    }
    const body = new TextDecoder().decode(this.#take(length));
    const { pathname, searchParams } = new URL(target, "http://server");
    return {
      method,
      path: pathname,
      query: searchParams,
      headers,
      body,
      closed: this.#closed.signal,
    };
  }

  #take(length: number): Uint8Array {
    const taken = this.#received.subarray(0, length);
    this.#received = this.#received.subarray(length);
    return taken;
  }

  /** Waits for more to read. @returns false when the connection is closed. */
  async #more(): Promise<boolean> {
    if (!this.#closed.signal.aborted) {
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
    return !this.#closed.signal.aborted;
  }

  async #write(text: string): Promise<void> {
    let rest = new TextEncoder().encode(text);
    try {
      while (rest.length > 0) rest = rest.subarray(await this.#conn.write(rest));
    } catch (error) {
      this.close();
      throw error;
    }
  }
}

function head(status: number, headers: Record<string, string>): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  // No client looks at the reason phrase; its place must be there (RFC 9112, 4).
  return `HTTP/1.1 ${status} \r\n${lines.join("")}\r\n`;
}

/** Where the head of a request ends; -1 when it is not all there. */
function indexOfBlankLine(bytes: Uint8Array): number {
  for (let at = 3; at < bytes.length; at++) {
    if (
      bytes[at] === 10 && bytes[at - 1] === 13 && bytes[at - 2] === 10 && bytes[at - 3] === 13
    ) return at + 1;
  }
  return -1;
}
