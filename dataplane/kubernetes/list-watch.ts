import type { Logger } from 'pino';
import type { KubeClient } from './api-client.ts';
import { backOffMs } from './back-off.ts';
import { type Clock, pause, type Random, systemClock } from './clock.ts';
import { KubeError } from './kube-error.ts';
import { compareVersions, type KubeObject, keyOf, type ObjectName } from './object.ts';
import type { ResourceType } from './resources.ts';
import { WatchErrorEvent, type WatchEvent } from './watch-stream.ts';

const BACK_OFF = { firstMs: 250, mostMs: 15_000, jitter: 0.2 } as const;
const WATCH_SECONDS = { least: 240, most: 480 } as const;
const INACTIVITY_MS = 90_000;
/** A watch that ends sooner, and brought nothing, counts as failed: else it would be opened in a loop. */
const SHORT_WATCH_MS = 1000;
/** What lasted so long was no failure to begin with. */
const LONG_WATCH_MS = 10_000;
/** So many refusals of a version in a row, and it is not tried any more. */
const REFUSALS_MAX = 3;
/**
 * So many watches in a row that were taken and then silent, and everything is listed again. A server
 * without any writes sends no bookmarks; but some proxies hold back answers until they end.
 */
const SILENCES_MAX = 2;

export interface Change<T extends KubeObject> {
  /** Made or changed, or gone (then `object` is its last known state). */
  readonly kind: 'set' | 'gone';
  readonly object: T;
  /** What the cache held. */
  readonly before?: T;
}

export interface ListWatchOptions<T extends KubeObject> {
  readonly client: KubeClient;
  readonly type: ResourceType;
  /** undefined: all. */
  readonly namespace: string | undefined;
  readonly labelSelector?: string | undefined;
  readonly fieldSelector?: string | undefined;
  readonly log: Logger;
  /** Called after the cache has changed; also for the first list, object by object. Must not throw. */
  readonly onChange: (change: Change<T>) => void;
  /** What the cache keeps of an object: by default all but `managedFields`. */
  readonly keep?: (object: T) => T;
  /** A connection that is silent for so long is taken for dead; bookmarks come every minute. */
  readonly inactivityMs?: number;
  readonly clock?: Clock;
  readonly random?: Random;
}

/**
 * A cache of objects of one kind that follows the API server: a list, then a watch from there.
 *
 * It never gives up. A watch that ends or breaks goes on from the last version seen; when the server no
 * longer knows that version, or says an error, or what came is damaged, everything is listed again and
 * compared, and what is gone meanwhile is reported gone. In between, the cache stays as it was: `ageMs`
 * tells how old that is.
 */
export class ListWatch<T extends KubeObject> {
  /** Resolves after the first whole list; rejects if it is closed before. */
  readonly synced: Promise<void>;
  readonly #options: ListWatchOptions<T>;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #log: Logger;
  readonly #keep: (object: T) => T;
  readonly #controller = new AbortController();
  readonly #firstSync = Promise.withResolvers<void>();
  #objects = new Map<string, T>();
  /** Of the last list, event or bookmark; undefined when it is to be listed anew. */
  #version: string | undefined;
  #isSynced = false;
  #contactMs = Number.NEGATIVE_INFINITY;
  #failuresCount = 0;
  #refusalsCount = 0;
  #silencesCount = 0;
  /** When the watch was taken; undefined before. */
  #openedMs: number | undefined;
  #failure: string | undefined;

  static start<T extends KubeObject>(options: ListWatchOptions<T>): ListWatch<T> {
    const listWatch = new ListWatch(options);
    void listWatch.#run();
    return listWatch;
  }

  private constructor(options: ListWatchOptions<T>) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#random = options.random ?? Math.random;
    this.#keep = options.keep ?? withoutManagedFields;
    this.#log = options.log.child({ resource: options.type.plural, namespace: options.namespace });
    this.synced = this.#firstSync.promise;
    // Whoever waits hears of it; nobody has to.
    this.synced.catch(() => undefined);
  }

  get(name: ObjectName): T | undefined {
    return this.#objects.get(keyOf(name));
  }

  items(): Iterable<T> {
    return this.#objects.values();
  }

  get size(): number {
    return this.#objects.size;
  }

  /** The first list is there. */
  get isSynced(): boolean {
    return this.#isSynced;
  }

  /**
   * Since the server last said something, if only that it watches from where the cache is. Infinite
   * before the first list.
   */
  get ageMs(): number {
    return this.#clock.monotonicMs() - this.#contactMs;
  }

  /** Why there is no contact now. */
  get failure(): string | undefined {
    return this.#failure;
  }

  /** Whether the cache shows a write that was answered with this version. */
  hasReached(resourceVersion: string): boolean {
    return this.#version !== undefined && compareVersions(this.#version, resourceVersion) >= 0;
  }

  close(): void {
    this.#controller.abort();
    this.#firstSync.reject(new Error('the cache is closed'));
  }

  async #run(): Promise<void> {
    const { signal } = this.#controller;
    while (!signal.aborted) {
      try {
        if (this.#version === undefined) {
          this.#openedMs = undefined;
          this.#version = await this.#list(signal);
        }
        await this.#watch(this.#version, signal);
      } catch (error) {
        if (signal.aborted) return;
        // Anything else is a defect, and ends the process.
        if (!(error instanceof KubeError)) throw error;
        await this.#recover(error, signal);
      }
    }
  }

  async #recover(error: KubeError, signal: AbortSignal): Promise<void> {
    const lastedMs = this.#clock.monotonicMs() - (this.#openedMs ?? Number.POSITIVE_INFINITY);
    this.#failuresCount = lastedMs >= LONG_WATCH_MS ? 1 : this.#failuresCount + 1;
    if (error.status !== 0 && error.status !== 429) this.#refusalsCount += 1;
    const isSilence = error.reason === 'Timeout' && this.#openedMs !== undefined;
    if (isSilence) this.#silencesCount += 1;
    if (this.#mustListAgain(error)) {
      this.#version = undefined;
      this.#refusalsCount = 0;
      this.#silencesCount = 0;
    }
    this.#failure = error.message;
    const ownMs = backOffMs(this.#failuresCount, BACK_OFF, this.#random);
    const waitMs = Math.max(ownMs, error.retryAfterMs ?? 0);
    const { status, reason, message } = error;
    const level = isSilence ? 'debug' : this.#failuresCount > 1 ? 'warn' : 'info';
    const willList = this.#version === undefined;
    this.#log[level]({ status, reason, message, waitMs, willList }, 'the cache lost its watch');
    await pause(this.#clock, waitMs, signal);
  }

  #mustListAgain(error: KubeError): boolean {
    return (
      error.status === 410 ||
      error.reason === 'Damaged' ||
      error instanceof WatchErrorEvent ||
      this.#refusalsCount >= REFUSALS_MAX ||
      this.#silencesCount >= SILENCES_MAX
    );
  }

  /** @returns the version to watch from */
  async #list(signal: AbortSignal): Promise<string> {
    const { client, type, namespace, labelSelector, fieldSelector } = this.#options;
    const objects = new Map<string, T>();
    const options = { namespace, labelSelector, fieldSelector };
    const resourceVersion = await client.eachPage<T>(
      type,
      options,
      (items) => {
        for (const item of items) objects.set(keyOf(item.metadata), this.#keep(item));
      },
      signal,
    );
    const before = this.#objects;
    this.#objects = objects;
    this.#hasContact();
    this.#isSynced = true;
    this.#reportDifferences(before);
    this.#firstSync.resolve();
    return resourceVersion;
  }

  #reportDifferences(before: ReadonlyMap<string, T>): void {
    const { onChange } = this.#options;
    for (const [key, object] of before) {
      if (this.#objects.get(key)?.metadata.uid !== object.metadata.uid) {
        onChange({ kind: 'gone', object, before: object });
      }
    }
    for (const [key, object] of this.#objects) {
      const old = before.get(key);
      if (old === undefined || old.metadata.uid !== object.metadata.uid) {
        onChange({ kind: 'set', object });
      } else if (old.metadata.resourceVersion !== object.metadata.resourceVersion) {
        onChange({ kind: 'set', object, before: old });
      }
    }
  }

  async #watch(resourceVersion: string, signal: AbortSignal): Promise<void> {
    const { client, type, namespace, labelSelector, fieldSelector } = this.#options;
    const { inactivityMs = INACTIVITY_MS } = this.#options;
    const { least, most } = WATCH_SECONDS;
    const timeoutSeconds = Math.round(least + (most - least) * this.#random());
    const startMs = this.#clock.monotonicMs();
    const onOpen = () => {
      this.#openedMs = this.#clock.monotonicMs();
      this.#hasContact();
    };
    this.#openedMs = undefined;
    const selection = { namespace, labelSelector, fieldSelector };
    const options = { ...selection, resourceVersion, timeoutSeconds, inactivityMs, onOpen };
    let eventsCount = 0;
    for await (const event of client.watch<T>(type, options, signal)) {
      // Closed by whoever was told of the event before.
      if (signal.aborted) return;
      eventsCount += 1;
      this.#take(event);
    }
    const lastedMs = this.#clock.monotonicMs() - startMs;
    if (eventsCount === 0 && lastedMs < SHORT_WATCH_MS) {
      throw KubeError.unreachable(`watch ${type.plural}`, 'it ended at once');
    }
    this.#hasContact();
  }

  #take({ type, object }: WatchEvent<T>): void {
    this.#hasContact();
    this.#failuresCount = 0;
    this.#refusalsCount = 0;
    this.#silencesCount = 0;
    this.#version = object.metadata.resourceVersion;
    if (type === 'BOOKMARK') return;
    const key = keyOf(object.metadata);
    const before = this.#objects.get(key);
    if (type === 'DELETED') {
      this.#objects.delete(key);
      if (before === undefined) return;
      this.#options.onChange({ kind: 'gone', object: this.#keep(object), before });
      return;
    }
    const kept = this.#keep(object);
    this.#objects.set(key, kept);
    this.#options.onChange({ kind: 'set', object: kept, ...(before && { before }) });
  }

  #hasContact(): void {
    this.#contactMs = this.#clock.monotonicMs();
    this.#failure = undefined;
  }
}

/** They are half of an object's bytes, and no decision is made by them. */
function withoutManagedFields<T extends KubeObject>(object: T): T {
  const { managedFields: _, ...metadata } = object.metadata;
  return { ...object, metadata };
}
