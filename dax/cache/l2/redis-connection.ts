import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import {
  L2_CONNECT_TIMEOUT_MS,
  L2_PENDING_COUNT_MAX,
  L2_PING_MS,
  L2_RECONNECT_MS_MAX,
  L2_RECONNECT_MS_MIN,
  L2_SOUND_MS,
  L2_TIMEOUT_MS,
} from './limits.ts';
import { type Script, scripts } from './scripts.ts';

export interface RedisConnectionOptions {
  /** `redis://` or `rediss://`, with user name and database if there are any. */
  readonly url: string;
  /** Asked before each attempt to connect; undefined: there is none, or the URL has it. */
  readonly password?: () => string | undefined;
  /** Asked as `password`: the authority of a `rediss:` URL (PEM); undefined: those that Node.js knows. */
  readonly ca?: () => string | undefined;
  readonly timeoutMs?: number;
  readonly log: (event: string, fields: Readonly<Record<string, unknown>>) => void;
}

export interface RedisConnectionEvents {
  /** It answers, and knows the scripts. */
  onConnected(): void;
  /** From now on operations fail. What those did that were under way is not known. */
  onLost(): void;
}

/** Redis did not do what it was asked, or did not say so in time. */
export class RedisError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'RedisError';
  }
}

/**
 * A connection to Redis that is up or down as a whole: one operation that fails or that takes too long
 * takes it down, with all that wait, and it comes up again by itself, later each time.
 *
 * Nothing is queued while it is down, nothing is sent twice, and nothing here rejects unheard.
 */
export class RedisConnection {
  readonly #options: RedisConnectionOptions;
  readonly #events: RedisConnectionEvents;
  readonly #redis: Redis;
  readonly #timeoutMs: number;
  readonly #pinging: NodeJS.Timeout;
  /** Connected, and not given up. */
  #isReady = false;
  /** Ready, and prepared. */
  #isConnected = false;
  #isClosed = false;
  readonly #firstConnected = Promise.withResolvers<void>();
  #runId = '';
  /** Of connections: what an earlier one began is not to be taken for this one's. */
  #attempt = 0;
  #pendingCount = 0;
  /** When Redis last answered, or was asked after it had answered everything. */
  #progressMs = 0;
  #watchdog: NodeJS.Timeout | undefined;
  #connectedMs = 0;
  #lossesCount = 0;
  #lastError = '';

  constructor(options: RedisConnectionOptions, events: RedisConnectionEvents) {
    this.#options = options;
    this.#events = events;
    this.#timeoutMs = options.timeoutMs ?? L2_TIMEOUT_MS;
    const redis = new Redis(options.url, {
      enableOfflineQueue: false,
      autoResendUnfulfilledCommands: false,
      maxRetriesPerRequest: 0,
      connectTimeout: L2_CONNECT_TIMEOUT_MS,
      retryStrategy: (attemptsCount) => this.#reconnectDelayMs(attemptsCount),
      lazyConnect: true,
    });
    this.#redis = redis;
    // Without a listener ioredis writes them to the console; each one is followed by `close`.
    redis.on('error', (error: Error) => {
      this.#lastError = error.message;
    });
    redis.on('ready', () => void this.#prepare());
    redis.on('close', () => this.#lose('the connection is closed'));
    redis.on('reconnecting', () => this.#setSecrets());
    this.#setSecrets();
    redis.connect().catch(() => undefined); // as `close` it is noticed anyway
    this.#pinging = setInterval(() => this.#ping(), L2_PING_MS).unref();
  }

  get isConnected(): boolean {
    return this.#isConnected;
  }

  /** Whether a read may be added to what waits already. */
  get isBusy(): boolean {
    return this.#pendingCount >= L2_PENDING_COUNT_MAX;
  }

  /** Resolves when it is connected for the first time, or has had L2_CONNECT_TIMEOUT_MS for it. */
  async whenTried(): Promise<void> {
    const waiting = new AbortController();
    const tooLong = delay(L2_CONNECT_TIMEOUT_MS, undefined, { signal: waiting.signal, ref: false });
    await Promise.race([this.#firstConnected.promise, tooLong]);
    waiting.abort();
    await tooLong.catch(() => undefined); // aborted
  }

  /** Random, of this run of Redis: after a restart, which may bring old data back, another one. */
  get runId(): string {
    return this.#runId;
  }

  /**
   * Runs a script on these keys.
   * @returns what it returned, texts as Buffers
   * @throws RedisError; the connection is down then
   */
  async run(
    script: Script,
    keys: readonly Buffer[],
    args: readonly (string | Buffer)[],
  ): Promise<unknown> {
    if (!this.#isConnected) throw new RedisError('Redis is away');
    const parameters = [script.sha, String(keys.length), ...keys, ...args];
    try {
      return await this.#watched(this.#redis.callBuffer('EVALSHA', ...parameters));
    } catch (error) {
      const reason = messageOf(error);
      this.#lose(`${script.name}: ${reason}`);
      throw new RedisError(reason, { cause: error });
    }
  }

  close(): void {
    this.#isClosed = true;
    this.#isConnected = false;
    clearInterval(this.#pinging);
    clearTimeout(this.#watchdog);
    this.#redis.disconnect();
  }

  async #prepare(): Promise<void> {
    this.#isReady = true;
    this.#connectedMs = performance.now();
    const attempt = this.#attempt;
    try {
      const loaded = scripts.map(({ source }) => this.#redis.script('LOAD', source));
      const [info] = await this.#watched(Promise.all([this.#redis.info('server'), ...loaded]));
      if (attempt !== this.#attempt) return;
      this.#runId = /^run_id:([0-9a-f]+)/m.exec(info)?.[1] ?? 'unknown';
    } catch (error) {
      if (attempt === this.#attempt) this.#lose(`preparing: ${messageOf(error)}`);
      return;
    }
    this.#isConnected = true;
    this.#firstConnected.resolve();
    this.#options.log('redisConnected', { runId: this.#runId });
    this.#events.onConnected();
  }

  #lose(reason: string): void {
    if (!this.#isReady || this.#isClosed) return;
    const wasConnected = this.#isConnected;
    this.#isReady = false;
    this.#isConnected = false;
    this.#attempt += 1;
    const isSound = performance.now() - this.#connectedMs >= L2_SOUND_MS;
    this.#lossesCount = isSound ? 1 : this.#lossesCount + 1;
    // Without it ioredis would go on using a connection whose answers nobody expects.
    if (this.#redis.status === 'ready') this.#redis.disconnect(true);
    this.#options.log('redisLost', { reason, lastError: this.#lastError });
    if (wasConnected) this.#events.onLost();
  }

  #reconnectDelayMs(attemptsCount: number): number {
    const failuresCount = Math.min(attemptsCount - 1 + this.#lossesCount, 16);
    const delayMs = Math.min(L2_RECONNECT_MS_MAX, L2_RECONNECT_MS_MIN * 2 ** failuresCount);
    // Not all nodes at the same moment.
    return delayMs * (0.5 + Math.random() / 2);
  }

  #setSecrets(): void {
    const password = this.#options.password?.();
    if (password !== undefined) this.#redis.options.password = password;
    const ca = this.#options.ca?.();
    if (ca !== undefined) this.#redis.options.tls = { ca };
  }

  /** So that a connection that died silently is noticed before somebody needs it. */
  #ping(): void {
    if (!this.#isConnected || this.#pendingCount > 0) return;
    this.#watched(this.#redis.ping()).catch((error) => this.#lose(`ping: ${messageOf(error)}`));
  }

  /** Commands are answered in their order: one clock for all of them, started again by each answer. */
  async #watched<Answer>(answer: Promise<Answer>): Promise<Answer> {
    if (this.#pendingCount === 0) {
      this.#progressMs = performance.now();
      this.#watchdog ??= setTimeout(this.#bark, this.#timeoutMs).unref();
    }
    this.#pendingCount += 1;
    try {
      return await answer;
    } finally {
      this.#pendingCount -= 1;
      this.#progressMs = performance.now();
    }
  }

  readonly #bark = () => {
    this.#watchdog = undefined;
    if (this.#pendingCount === 0) return;
    const leftMs = this.#progressMs + this.#timeoutMs - performance.now();
    if (leftMs > 0) {
      this.#watchdog = setTimeout(this.#bark, leftMs).unref();
      return;
    }
    // If it was this process that stood still, the answer is there, but not read yet.
    const progressMs = this.#progressMs;
    setImmediate(() => {
      const hasMoved = this.#progressMs !== progressMs;
      if (this.#pendingCount > 0 && !hasMoved) this.#lose('no answer in time');
      if (this.#pendingCount > 0)
        this.#watchdog ??= setTimeout(this.#bark, this.#timeoutMs).unref();
    });
  };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
