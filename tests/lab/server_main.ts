/**
 * A service behind a VIP: tells everybody who connects which node it runs on.
 *
 *     server_main.ts <port> <node>
 *
 * @module
 */

const [port, node] = Deno.args;
const answer = new TextEncoder().encode(node);
// Also IPv4: net.ipv6.bindv6only is 0.
const listener = Deno.listen({ hostname: "::", port: Number(port) });
console.log(JSON.stringify({ ready: true }));
for await (const connection of listener) {
  // A client that went away in between is no reason to end.
  connection.write(answer).catch(() => {}).finally(() => connection.close());
}
