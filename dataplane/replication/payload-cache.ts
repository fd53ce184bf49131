/**
 * Recent payloads of one group by log index. Those that are not in the store yet stay; the others
 * go, oldest first over all groups, when the node's cache is full.
 */
export interface GroupPayloads {
  readonly byIndex: Map<number, ReleasablePayload>;
  /** Entries up to here are in the store. */
  storedIndex: number;
}

interface CachedPayload {
  readonly term: number;
  readonly payload: Buffer;
}

/** Let go of, but still in the queue. */
interface ReleasablePayload extends CachedPayload {
  payload: Buffer;
}

const RELEASED = Buffer.alloc(0);
/** Places in the queue of what was let go of, beyond which it is looked through. */
const RELEASED_MAX = 1_024;

interface QueuedPayload {
  readonly group: GroupPayloads;
  readonly index: number;
  readonly cached: ReleasablePayload;
}

/** The payloads that one node keeps in memory. */
export class PayloadCache {
  readonly #bytesMax: number;
  #bytes = 0;
  /** In the order they came; those before `#head` are gone. */
  #queue: (QueuedPayload | undefined)[] = [];
  #head = 0;
  /** How many in the queue were let go of. */
  #releasedCount = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Places in the queue, also of what has gone. */
  get placesCount(): number {
    return this.#queue.length;
  }

  newGroup(storedIndex: number): GroupPayloads {
    return { byIndex: new Map(), storedIndex };
  }

  put(group: GroupPayloads, index: number, { term, payload }: CachedPayload): void {
    const cached = { term, payload };
    group.byIndex.set(index, cached);
    this.#queue.push({ group, index, cached });
    this.#bytes += payload.length;
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
    for (const cached of group.byIndex.values()) {
      this.#bytes -= cached.payload.length;
      cached.payload = RELEASED;
      this.#releasedCount += 1;
    }
    group.byIndex.clear();
    if (this.#releasedCount > Math.max(RELEASED_MAX, this.#queue.length / 2)) {
      this.#queue = this.#queue.filter((each) => each !== undefined && !isReleased(each));
      this.#head = 0;
      this.#releasedCount = 0;
    }
  }

  /** Lets go of all payloads of a group, unless some are not in the store yet. */
  clearStored(group: GroupPayloads): void {
    if (group.byIndex.size === 0) return;
    for (const index of group.byIndex.keys()) if (index > group.storedIndex) return;
    this.clear(group);
  }

  #evict(): void {
    while (this.#bytes > this.#bytesMax) {
      const oldest = this.#queue[this.#head];
      if (oldest === undefined) break;
      const { group, index, cached } = oldest;
      const isCurrent = group.byIndex.get(index) === cached;
      if (isCurrent && index > group.storedIndex) break;
      if (isCurrent) group.byIndex.delete(index);
      if (isReleased(oldest)) this.#releasedCount -= 1;
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

function isReleased({ cached }: QueuedPayload): boolean {
  return cached.payload === RELEASED;
}
