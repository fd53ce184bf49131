const COMMA = 0x2c;

/**
 * Puts a response together from texts and from items that are UTF-8 JSON already, with one
 * allocation and without parsing an item or copying it twice.
 */
export class ResponseJson {
  /** A number is one ASCII character. */
  readonly #parts: (string | number | Uint8Array)[] = [];
  #bytes = 0;

  text(text: string): this {
    this.#parts.push(text);
    this.#bytes += Buffer.byteLength(text);
    return this;
  }

  /** UTF-8 of a JSON text. */
  bytes(json: Uint8Array): this {
    this.#parts.push(json);
    this.#bytes += json.length;
    return this;
  }

  /** A JSON array of items. */
  items(items: readonly Uint8Array[]): this {
    this.text('[');
    let isFirst = true;
    for (const item of items) {
      if (!isFirst) {
        this.#parts.push(COMMA);
        this.#bytes++;
      }
      isFirst = false;
      this.#parts.push(item);
      this.#bytes += item.length;
    }
    return this.text(']');
  }

  /** A further member of the response's object; nothing where it is undefined. */
  member(name: string, value: unknown): this {
    return value === undefined ? this : this.text(`,"${name}":${JSON.stringify(value)}`);
  }

  toBuffer(): Buffer {
    const buffer = Buffer.allocUnsafe(this.#bytes);
    let offset = 0;
    for (const part of this.#parts) {
      if (typeof part === 'number') {
        buffer[offset++] = part;
      } else if (typeof part === 'string') {
        offset += buffer.write(part, offset);
      } else {
        buffer.set(part, offset);
        offset += part.length;
      }
    }
    return buffer;
  }
}
