import { createHash } from 'node:crypto';

const ACCOUNTS_COUNT = 10n ** 12n;

/**
 * The account of a namespace, as ARNs show it: 12 digits from the SHA-256 of its name, the first 8
 * bytes as an unsigned number modulo 10^12.
 */
export function accountIdOf(namespace: string): string {
  const digest = createHash('sha256').update(namespace, 'utf8').digest();
  return String(digest.readBigUInt64BE() % ACCOUNTS_COUNT).padStart(12, '0');
}
