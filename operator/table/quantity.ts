const FACTORS: Readonly<Record<string, number>> = {
  '': 1,
  m: 1e-3,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
};

/**
 * Bytes of a Kubernetes quantity like `10Gi`, `1e9` or `512M`; undefined when it is none. Exact as far
 * as doubles are, which is beyond the sizes of volumes.
 */
export function bytesOf(quantity: string | number | undefined): number | undefined {
  if (quantity === undefined) return undefined;
  const match = /^([+-]?\d*\.?\d+|\d+\.)(?:[eE]([+-]?\d+)|([numkMGTPE]i?|Ki))?$/.exec(
    String(quantity),
  );
  if (match === null) return undefined;
  const [, number = '', exponent, suffix = ''] = match;
  const factor = exponent === undefined ? FACTORS[suffix] : 10 ** Number(exponent);
  return factor === undefined ? undefined : Number(number) * factor;
}
