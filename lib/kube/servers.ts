/**
 * The API servers that lead to one cluster. Requests go to the first that did not fail since; each
 * request that fails moves on to the next. Which one answers makes no difference to a
 * compare-and-swap: all of them store through one etcd.
 */
export class Servers {
  readonly #usual: string;
  #servers: readonly string[];
  #index = 0;
  readonly #listeners = new Set<() => void>();

  /** @param usual URL of the server to ask while no others are known, the kubeconfig's */
  constructor(usual: string) {
    this.#usual = usual;
    this.#servers = [usual];
  }

  /** URL, without a slash at the end. */
  get current(): string {
    return this.#servers[this.#index]!;
  }

  /** @param own this node's own server, asked first; the usual one comes last */
  know(own: string, others: readonly string[]): void {
    const { current } = this;
    this.#servers = [...new Set([own, ...others, this.#usual])];
    const known = this.#servers.length > 1 && this.#index > 0 ? this.#servers.indexOf(current) : 0;
    this.#index = Math.max(known, 0);
  }

  /** @param server the one that a request failed at; nothing when another one is asked already */
  failed(server: string): void {
    if (server === this.current) this.#index = (this.#index + 1) % this.#servers.length;
  }

  /** The node's own server is well again. */
  returnToOwn(): void {
    this.#index = 0;
    for (const listener of [...this.#listeners]) listener();
  }

  /** Calls back when requests go to the node's own server again. @returns a function that ends it */
  onReturn(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
