/** An object whose every method notes its name and arguments in `log`. */
export function recorder<T extends object>(log: [string, ...unknown[]][]): T {
  return new Proxy({}, {
    get: (_, name) => (...args: unknown[]) => void log.push([String(name), ...args]),
  }) as T;
}
