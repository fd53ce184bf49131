/**
 * Recent payloads of one group by log index. Those that are not in the store yet stay; the others
 * go, oldest first over all groups, when the node's cache is full.
 */
export interface GroupPayloads {
  readonly byIndex: Map<number, CachedPayload>;
  /** Entries up to here are in the store. */
  storedIndex: number;
}

interface CachedPayload {
  readonly term: number;
  readonly payload: Buffer;
}

interface QueuedPayload {
  readonly group: GroupPayloads;
  readonly index: number;
  readonly cached: CachedPayload;
}

/** The payloads that one node keeps in memory. */
export class PayloadCache {
  readonly #bytesMax: number;
  #bytes = 0;
  /** In the order they came; those before `#head` are gone. */
  #queue: (QueuedPayload | undefined)[] = [];
  #head = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get bytes(): number {
    return this.#bytes;
  }

  newGroup(storedIndex: number): GroupPayloads {
    return { byIndex: new Map(), storedIndex };
  }

  put(group: GroupPayloads, index: number, cached: CachedPayload): void {
    group.byIndex.set(index, cached);
    this.#queue.push({ group, index, cached });
    this.#bytes += cached.payload.length;
    this.#evict();
  }

  get(group: GroupPayloads, index: number, term: number): Buffer | undefined {
    const cached = group.byIndex.get(index);
    return cached?.term === term ? cached.payload : undefined;
  }

  /** Entries up to `index` are in the store now. */
  stored(group: GroupPayloads, index: number): void {
    group.storedIndex = index;
    this.#evict();
  }

  /** Lets go of all payloads of a group. */
  clear(group: GroupPayloads): void {
    group.byIndex.clear();
    this.#evict();
  }

  #evict(): void {
    while (this.#bytes > this.#bytesMax) {
      const oldest = this.#queue[this.#head];
      if (oldest === undefined) break;
      const { group, index, cached } = oldest;
      const isCurrent = group.byIndex.get(index) === cached;
      if (isCurrent && index > group.storedIndex) break;
      if (isCurrent) group.byIndex.delete(index);
      this.#bytes -= cached.payload.length;
      this.#queue[this.#head] = undefined;
      this.#head += 1;
    }
    if (this.#head > 1024 && this.#head * 2 > this.#queue.length) {
      this.#queue = this.#queue.slice(this.#head);
      this.#head = 0;
    }
  }
}
