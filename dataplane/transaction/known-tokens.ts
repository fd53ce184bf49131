import { TOKEN_RETENTION_MS } from '../partition/transaction.ts';

/** Of about 200 bytes each. Those beyond are forgotten: then the ledgers alone know. */
const TOKENS_COUNT_MAX = 20_000;

interface Known {
  /** latin1 */
  readonly digest: string;
  readonly untilMs: number;
}

/**
 * What the tokens of the newest transactions mean that this process has seen done. A ledger knows a
 * token among the tables that lead to it (`placementOf`); this finds it used again for other tables.
 * Of this process alone, and gone with it: what matters is in the ledgers.
 */
export class KnownTokens {
  readonly #known = new Map<string, Known>();

  /** @param nowMs - monotonic, as in all calls */
  note(id: Uint8Array, digest: Uint8Array, nowMs: number): void {
    const key = latin1(id);
    this.#known.delete(key);
    this.#known.set(key, { digest: latin1(digest), untilMs: nowMs + TOKEN_RETENTION_MS });
    if (this.#known.size <= TOKENS_COUNT_MAX) return;
    for (const oldest of this.#known.keys()) {
      this.#known.delete(oldest);
      return;
    }
  }

  /** Whether the token is known to be that of a request of another meaning. */
  isOfOther(id: Uint8Array, digest: Uint8Array, nowMs: number): boolean {
    const known = this.#known.get(latin1(id));
    return known !== undefined && nowMs < known.untilMs && known.digest !== latin1(digest);
  }
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}
