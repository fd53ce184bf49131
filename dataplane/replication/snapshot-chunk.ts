import { crc32 } from 'node:zlib';

/**
 * Pairs of a state on their way to another node, keys without the storage id. Big-endian: for each
 * pair the length of the key u16, of the value u32, key, value.
 */
export interface SnapshotChunk {
  readonly data: Buffer;
  readonly checksum: number;
  readonly pairsCount: number;
}

const HEAD_BYTES = 6;

/** Gathers pairs until a chunk is full. */
export class ChunkWriter {
  readonly #bytesMax: number;
  #parts: Uint8Array[] = [];
  #bytes = 0;
  #pairs = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get isFull(): boolean {
    return this.#bytes >= this.#bytesMax;
  }

  get isEmpty(): boolean {
    return this.#pairs === 0;
  }

  add(key: Uint8Array, value: Uint8Array): void {
    const head = Buffer.allocUnsafe(HEAD_BYTES);
    head.writeUInt16BE(key.length, 0);
    head.writeUInt32BE(value.length, 2);
    this.#parts.push(head, key, value);
    this.#bytes += HEAD_BYTES + key.length + value.length;
    this.#pairs += 1;
  }

  take(): SnapshotChunk {
    const data = Buffer.concat(this.#parts, this.#bytes);
    const chunk = { data, checksum: crc32(data), pairsCount: this.#pairs };
    this.#parts = [];
    this.#bytes = 0;
    this.#pairs = 0;
    return chunk;
  }
}

/** The pairs of a chunk, as views; undefined if it is not what was sent. */
export function readChunk(
  data: Buffer,
  checksum: number,
): (readonly [Buffer, Buffer])[] | undefined {
  if (crc32(data) !== checksum) return undefined;
  const pairs: (readonly [Buffer, Buffer])[] = [];
  let at = 0;
  while (at < data.length) {
    if (at + HEAD_BYTES > data.length) return undefined;
    const keyEnd = at + HEAD_BYTES + data.readUInt16BE(at);
    const end = keyEnd + data.readUInt32BE(at + 2);
    if (end > data.length) return undefined;
    pairs.push([data.subarray(at + HEAD_BYTES, keyEnd), data.subarray(keyEnd, end)]);
    at = end;
  }
  return pairs;
}
