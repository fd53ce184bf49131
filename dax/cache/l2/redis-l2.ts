import { createHash, randomBytes } from 'node:crypto';
import type { Clock } from '../clock.ts';
import type { CacheCounters } from '../counters.ts';
import type { Entry } from '../entry.ts';
import { cells, HOLD_BYTE, VALUE_BYTE } from './cell.ts';
import {
  L2_COMMAND_KEYS_MAX,
  L2_KEY_BYTES_MAX,
  L2_TTL_MS_MAX,
  LEASE_MS,
  MARK_MS,
} from './limits.ts';
import { RedisConnection, type RedisConnectionOptions, RedisError } from './redis-connection.ts';
import {
  fillScript,
  finishScript,
  holdScript,
  markScript,
  readScript,
  type Script,
} from './scripts.ts';
import { type L2Coherence, L2Sharing } from './sharing.ts';

export interface RedisL2Options extends Omit<RedisConnectionOptions, 'log'> {
  /** At the start of all keys. */
  readonly prefix: string;
  readonly coherence: L2Coherence;
  /**
   * A new generation is not used before this time has passed since it was learned of: by then all
   * nodes that acknowledge writes know it, and finish them there.
   */
  readonly generationSettleMs: number;
  readonly holdMs: number;
  /** How long an entry is still good for. */
  readonly remainingMs: (entry: Entry) => number;
  readonly clock: Clock;
  readonly counters: CacheCounters;
  readonly log: RedisConnectionOptions['log'];
}

export interface L2Key {
  readonly tableId: string;
  /** Canonical key bytes. */
  readonly key: Buffer;
}

export type L2Found =
  | { readonly kind: 'value'; readonly entry: Entry }
  /** Nothing; the lease lets the reader store what the table says. */
  | { readonly kind: 'leased'; readonly lease: L2Lease }
  /** Nothing, and nothing to be stored: somebody else is at it, or L2 cannot be used. */
  | { readonly kind: 'none' }
  /** A write may still be done: to be stored nowhere. */
  | { readonly kind: 'held' };

export interface L2Lease {
  readonly token: string;
  readonly redisKey: Buffer;
}

/** What comes of a lease. */
export interface L2Filling {
  readonly lease: L2Lease;
  /** Undefined: the lease is given back. */
  readonly entry: Entry | undefined;
}

/** What a write left in L2 before it called the table. */
export interface L2Marks {
  readonly token: string;
  /** Keys had this at their start. */
  readonly space: string;
}

/** What becomes of a key after a write: the entry is stored where nothing came in between. */
export type L2Final = Entry | 'deleted' | 'held';

const RETRY_SHARE_MS = 1000;

/**
 * The second level: entries in Redis, shared by the nodes. No method fails because of Redis: reads find
 * nothing then, and writes make sure that nobody relies on what they could not change.
 */
export class RedisL2 {
  readonly #options: RedisL2Options;
  readonly #connection: RedisConnection;
  readonly #sharing: L2Sharing;
  #generation: string;
  #usableFromMs: number;
  #sharingAgain: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(options: RedisL2Options) {
    const { coherence, clock, counters } = options;
    this.#options = options;
    this.#sharing = new L2Sharing(coherence, counters);
    this.#generation = coherence.l2Generation;
    this.#usableFromMs = clock.nowMs() + options.generationSettleMs;
    this.#connection = new RedisConnection(options, {
      onConnected: () => this.#share(),
      onLost: () => {
        counters.l2Losses += 1;
      },
    });
  }

  /** Redis is reached. */
  get isUp(): boolean {
    return this.#connection.isConnected;
  }

  /** Reading it, and storing there, is right at the moment. */
  get isUsable(): boolean {
    return (
      this.#connection.isConnected &&
      !this.#connection.isBusy &&
      this.#sharing.isShared &&
      this.#options.coherence.mayServe &&
      this.#options.clock.nowMs() >= this.#usableFromMs
    );
  }

  /** Resolves when Redis is reached for the first time, or after L2_CONNECT_TIMEOUT_MS. */
  whenTried(): Promise<void> {
    return this.#connection.whenTried();
  }

  /** Keys are others from now on. */
  setGeneration(generation: string): void {
    if (generation === this.#generation) return;
    this.#generation = generation;
    this.#usableFromMs = this.#options.clock.nowMs() + this.#options.generationSettleMs;
  }

  /** In step with `keys`. Where nothing is found a lease is planted, if that can be. */
  async read(keys: readonly L2Key[]): Promise<readonly L2Found[]> {
    const token = cells.lease + newToken();
    const space = this.#space;
    const redisKeys = keys.map((key) => redisKeyOf(space, key));
    const ms = String(LEASE_MS);
    const answers = await this.#inPortions(redisKeys, async (portion) => {
      const found = await this.#connection.run(readScript, portion, [token, ms]);
      if (!Array.isArray(found) || found.length !== portion.length) throw new RedisError('read');
      return found.map(cellOf);
    });
    return redisKeys.map((redisKey, index) => {
      const cell = answers?.[index];
      if (answers === undefined || cell === null) return NOTHING_FOUND;
      if (cell === undefined) return this.#missed({ token, redisKey });
      return this.#found(cell);
    });
  }

  /** What becomes of it is not waited for. */
  fill(fillings: readonly L2Filling[]): void {
    for (const [token, ofToken] of Map.groupBy(fillings, ({ lease }) => lease.token)) {
      const finals = ofToken.map(({ entry }) => entry ?? 'deleted');
      const redisKeys = ofToken.map(({ lease }) => lease.redisKey);
      void this.#inPortions(redisKeys, (portion, start) =>
        this.#run(fillScript, portion, [token, ...this.#finals(finals, start, portion.length)]),
      );
    }
  }

  /**
   * Before the call of the table.
   * @returns undefined: Redis is away
   */
  async mark(keys: readonly L2Key[]): Promise<L2Marks | undefined> {
    if (!this.#connection.isConnected) return undefined;
    const marks = { token: newToken(), space: this.#space };
    const redisKeys = keys.map((key) => redisKeyOf(marks.space, key));
    const done = await this.#inPortions(redisKeys, (portion) =>
      this.#run(markScript, portion, [marks.token, String(MARK_MS)]),
    );
    return done && marks;
  }

  /**
   * After the table's answer, before this node's own cache and the other nodes know of it: resolves
   * when nobody finds an older value in L2 any more.
   *
   * @param finals in step with `keys`
   * @returns what keys began with there, for `isCurrent`; undefined: nobody uses L2
   * @throws CoherenceError when that cannot be had
   */
  async finish(
    keys: readonly L2Key[],
    finals: readonly L2Final[],
    marks: L2Marks | undefined,
  ): Promise<string | undefined> {
    const space = this.#space;
    if (await this.#finishIn(space, { keys, finals, marks })) return space;
    await this.#sharing.withhold();
    if (this.#connection.isConnected) this.#share();
    return undefined;
  }

  /**
   * Whether keys are still those that a write was finished under. A node that was not allowed to
   * serve meanwhile may have missed that all others have moved on, before that write.
   */
  isCurrent(space: string | undefined): boolean {
    return space === undefined || space === this.#space;
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#sharingAgain);
    this.#connection.close();
  }

  get #space(): string {
    return `${this.#options.prefix}:${this.#generation}:${this.#connection.runId}:`;
  }

  #found(cell: Buffer): L2Found {
    if (cell[0] === HOLD_BYTE) return HELD;
    if (cell[0] !== VALUE_BYTE) return this.#missed(undefined);
    const entry = cell.toString('latin1', 1);
    if (this.#options.remainingMs(entry) <= 0) return this.#missed(undefined);
    this.#options.counters.l2Hits += 1;
    return { kind: 'value', entry };
  }

  #missed(lease: L2Lease | undefined): L2Found {
    this.#options.counters.l2Misses += 1;
    return lease === undefined ? NOTHING_FOUND : { kind: 'leased', lease };
  }

  async #finishIn(
    space: string,
    {
      keys,
      finals,
      marks,
    }: { keys: readonly L2Key[]; finals: readonly L2Final[]; marks: L2Marks | undefined },
  ): Promise<boolean> {
    // Under other keys than those that were marked nothing is stored: no mark is without a token.
    const token = marks?.space === space ? marks.token : '';
    const redisKeys = keys.map((key) => redisKeyOf(space, key));
    const finished = await this.#inPortions(redisKeys, (portion, start) =>
      this.#run(finishScript, portion, [token, ...this.#finals(finals, start, portion.length)]),
    );
    const held = redisKeys.filter((_, index) => finals[index] === 'held');
    if (finished === undefined || held.length === 0) return finished !== undefined;
    const holding = [newToken(), String(this.#options.holdMs)];
    return (
      (await this.#inPortions(held, (some) => this.#run(holdScript, some, holding))) !== undefined
    );
  }

  /** For `fill` and `finish`: cells, then their times to live. */
  #finals(finals: readonly L2Final[], start: number, count: number): (string | Buffer)[] {
    const chosen = finals.slice(start, start + count).map((final) => this.#cellFor(final));
    return [...chosen.map(({ cell }) => cell), ...chosen.map(({ ttlMs }) => String(ttlMs))];
  }

  #cellFor(final: L2Final): { cell: string | Buffer; ttlMs: number } {
    if (final === 'deleted' || final === 'held') return { cell: '', ttlMs: 1 };
    const ttlMs = Math.min(L2_TTL_MS_MAX, this.#options.remainingMs(final));
    if (ttlMs < 1) return { cell: '', ttlMs: 1 };
    return { cell: Buffer.from(cells.value + final, 'latin1'), ttlMs };
  }

  async #run(script: Script, keys: readonly Buffer[], args: readonly (string | Buffer)[]) {
    await this.#connection.run(script, keys, args);
    return DONE;
  }

  /** One command for each portion, all sent at once. @returns undefined when one of them failed */
  async #inPortions<Answer>(
    redisKeys: readonly Buffer[],
    run: (portion: readonly Buffer[], start: number) => Promise<readonly Answer[]>,
  ): Promise<readonly Answer[] | undefined> {
    const runs: Promise<readonly Answer[]>[] = [];
    for (let start = 0; start < redisKeys.length; start += L2_COMMAND_KEYS_MAX) {
      runs.push(run(redisKeys.slice(start, start + L2_COMMAND_KEYS_MAX), start));
    }
    try {
      return (await Promise.all(runs)).flat();
    } catch (error) {
      if (!(error instanceof RedisError)) throw error;
      return undefined;
    }
  }

  /** Redis is reached: others may use L2 again. Tried until it is said or Redis is lost again. */
  #share(): void {
    clearTimeout(this.#sharingAgain);
    this.#sharing.share().catch((error: unknown) => {
      if (this.#isClosed) return;
      this.#options.log('l2NotShared', { reason: String(error) });
      this.#sharingAgain = setTimeout(() => {
        if (this.#connection.isConnected) this.#share();
      }, RETRY_SHARE_MS).unref();
    });
  }
}

export const NOTHING_FOUND: L2Found = { kind: 'none' };
const HELD: L2Found = { kind: 'held' };
const DONE: readonly true[] = [true];

/** Undefined: there was nothing. */
function cellOf(answer: unknown): Buffer | undefined {
  return Buffer.isBuffer(answer) && answer.length > 0 ? answer : undefined;
}

function newToken(): string {
  return randomBytes(12).toString('base64url');
}

/** `<space>i:<table id>:<key bytes>`, or `<space>h:<table id>:<SHA-256>` for long ones. */
function redisKeyOf(space: string, { tableId, key }: L2Key): Buffer {
  if (key.length <= L2_KEY_BYTES_MAX) {
    return Buffer.concat([Buffer.from(`${space}i:${tableId}:`), key]);
  }
  const digest = createHash('sha256').update(key).digest();
  return Buffer.concat([Buffer.from(`${space}h:${tableId}:`), digest]);
}
