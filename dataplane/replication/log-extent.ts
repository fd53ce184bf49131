import type { LogPlace } from './replica-records.ts';

/** Entries whose bytes are counted together. */
const SEGMENT_ENTRIES = 64;

interface Segment {
  readonly first: number;
  count: number;
  bytes: number;
}

/**
 * Which entries one replica's log holds, and about how many bytes.
 *
 * Invariant: the segments are contiguous from `start.index + 1` to `lastIndex`. Bytes of a segment
 * that is cut are taken as spread evenly.
 */
export class LogExtent {
  #start: LogPlace;
  readonly #segments: Segment[] = [];
  #bytes = 0;

  constructor(start: LogPlace) {
    this.#start = start;
  }

  /** The place before the first entry. */
  get start(): LogPlace {
    return this.#start;
  }

  get lastIndex(): number {
    const last = this.#segments.at(-1);
    return last === undefined ? this.#start.index : last.first + last.count - 1;
  }

  get entriesCount(): number {
    return this.lastIndex - this.#start.index;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** An entry; it and what stood behind it are replaced. */
  append(index: number, bytes: number): void {
    if (index <= this.lastIndex) this.#truncate(index);
    const last = this.#segments.at(-1);
    if (last !== undefined && last.count < SEGMENT_ENTRIES) {
      last.count += 1;
      last.bytes += bytes;
    } else {
      this.#segments.push({ first: index, count: 1, bytes });
    }
    this.#bytes += bytes;
  }

  /** Forgets entries up to `place`. */
  compact(place: LogPlace): void {
    this.#start = place;
    let first = this.#segments[0];
    while (first !== undefined && first.first <= place.index) {
      this.#segments.shift();
      const kept = first.first + first.count - 1 - place.index;
      this.#bytes -= first.bytes;
      if (kept > 0) {
        const bytes = (first.bytes * kept) / first.count;
        this.#bytes += bytes;
        this.#segments.unshift({ first: place.index + 1, count: kept, bytes });
        return;
      }
      first = this.#segments[0];
    }
  }

  /** A snapshot took the place of everything. */
  reset(start: LogPlace): void {
    this.#start = start;
    this.#segments.length = 0;
    this.#bytes = 0;
  }

  /** The least index up to which entries are to go so that those behind have at most `bytesMax`. */
  indexForBytes(bytesMax: number): number {
    let bytes = this.#bytes;
    for (const segment of this.#segments) {
      if (bytes <= bytesMax) return segment.first - 1;
      bytes -= segment.bytes;
    }
    return this.lastIndex;
  }

  #truncate(from: number): void {
    let last = this.#segments.at(-1);
    while (last !== undefined && last.first + last.count > from) {
      this.#segments.pop();
      this.#bytes -= last.bytes;
      const kept = from - last.first;
      if (kept > 0) {
        const bytes = (last.bytes * kept) / last.count;
        this.#bytes += bytes;
        this.#segments.push({ first: last.first, count: kept, bytes });
        return;
      }
      last = this.#segments.at(-1);
    }
  }
}
