/**
 * Whether one resourceVersion is from before another. Only the numbers that the API server makes are
 * in an order; anything else comes before nothing.
 */
export function comesBefore(a: string | undefined, b: string | undefined): boolean {
  return isNumber(a) && isNumber(b) && BigInt(a) < BigInt(b);
}

function isNumber(version: string | undefined): version is string {
  return version !== undefined && /^\d+$/.test(version);
}
