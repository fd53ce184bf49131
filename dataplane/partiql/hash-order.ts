/**
 * Names in the order in which the service's texts list them: as Java's HashSet gives them out, by the
 * lowest bits of their hashes, those with the same bits as they came.
 * @see floci-io/floci, PartiQL edge cases (captures of September 2026): `[a, b]` of `b` and `a`, but
 *   `[zz, aa, mm]`
 */
export function inHashOrder(names: readonly string[]): readonly string[] {
  let buckets = BUCKETS_MIN;
  while (names.length > buckets * LOAD_MAX) buckets *= 2;
  const bucketOf = (name: string): number => {
    const hash = stringHash(name);
    return (hash ^ (hash >>> 16)) & (buckets - 1);
  };
  return names.toSorted((one, other) => bucketOf(one) - bucketOf(other));
}

/** Of java.util.HashMap. */
const BUCKETS_MIN = 16;
const LOAD_MAX = 0.75;

/** String.hashCode of Java: 32 bits. */
function stringHash(text: string): number {
  let hash = 0;
  for (let index = 0; index < text.length; index++) {
    hash = (Math.imul(hash, 31) + text.charCodeAt(index)) | 0;
  }
  return hash;
}
