/** Bytes of the id of a write: the same for every try of one write. */
export const REQUEST_ID_BYTES = 16;
const PREFIX_BYTES = 10;
const COUNTER_BYTES = 6;
const COUNTER_MAX = 2 ** (8 * COUNTER_BYTES) - 1;

/**
 * Ids of writes: what this process drew at random when it started, and a counter. Two processes, or
 * two lives of one, draw the same 80 bits with a chance of less than 2^-50 in a billion of them.
 */
export class RequestIds {
  readonly #prefix: Uint8Array;
  #counter = 0;

  constructor(randomBytes: (count: number) => Uint8Array) {
    this.#prefix = randomBytes(PREFIX_BYTES);
    if (this.#prefix.length !== PREFIX_BYTES) throw new RangeError('a prefix has 10 bytes');
  }

  next(): Buffer {
    if (this.#counter === COUNTER_MAX) throw new RangeError('no process makes 2^48 writes');
    this.#counter += 1;
    const id = Buffer.allocUnsafe(REQUEST_ID_BYTES);
    id.set(this.#prefix);
    id.writeUIntBE(this.#counter, PREFIX_BYTES, COUNTER_BYTES);
    return id;
  }
}
