import type { AttributeMap } from '../../dataplane/item/attribute-value.ts';
import { LeanSocket } from '../benchmark/lean-socket.ts';

/**
 * One connection of the DAX protocol with at most one request on its way, which reads no more of an
 * answer than its length: as lean as `LoadConnection` is for HTTP, so that servers are compared and not
 * clients. Only for answers of a length known beforehand.
 */
export interface DaxConnectionOptions {
  readonly port: number;
  readonly onAnswer: (bytes: Buffer) => void;
  readonly onFailure: (error: Error) => void;
}

const READ_BYTES = 64 * 1024;
const MAGIC = 'J7yne5G';
const AUTHORIZE = '011a58c2336b';
const GET_ITEM = '011a0fb0cc6a';
const NO_OPTIONS = 'bfff';

export class DaxConnection {
  readonly #socket: LeanSocket;
  readonly #options: DaxConnectionOptions;
  /** Of the next answer; undefined: whatever comes in one piece. */
  #answerBytes: number | undefined;
  #parts: Buffer[] = [];
  #bytes = 0;

  constructor(options: DaxConnectionOptions) {
    this.#options = options;
    this.#socket = new LeanSocket({
      port: options.port,
      readBytes: READ_BYTES,
      onBytes: (buffer, byteCount) => this.#read(buffer, byteCount),
      onFailure: options.onFailure,
    });
    this.#socket.write(opening());
  }

  /** Sends one request; the answer to the one before must have arrived. */
  send(request: Buffer, answerBytes: number | undefined): void {
    this.#answerBytes = answerBytes;
    this.#socket.write(request);
  }

  close(): void {
    this.#socket.close();
  }

  #read(buffer: Buffer, byteCount: number): void {
    this.#bytes += byteCount;
    if (this.#answerBytes === undefined || this.#bytes < this.#answerBytes) {
      this.#parts.push(Buffer.from(buffer.subarray(0, byteCount)));
      if (this.#answerBytes !== undefined) return;
    }
    const answer =
      this.#parts.length === 0 ? buffer.subarray(0, byteCount) : Buffer.concat(this.#parts);
    const { length } = answer;
    const expected = this.#answerBytes;
    this.#parts = [];
    this.#bytes = 0;
    if (expected !== undefined && length > expected) {
      this.#options.onFailure(new Error(`an answer of ${length} bytes instead of ${expected}`));
    } else {
      this.#options.onAnswer(answer);
    }
  }
}

/** What a client says first: who it is, with a signature that proves nothing (any is accepted on loopback). */
function opening(): Buffer {
  const time = new Date().toISOString().replaceAll(/[-:]|\.\d{3}/g, '');
  const scope = `${time.slice(0, 8)}/us-east-1/dax/aws4_request`;
  const stringToSign = `AWS4-HMAC-SHA256\n${time}\n${scope}\n${'0'.repeat(64)}`;
  return Buffer.concat([
    text(MAGIC),
    Buffer.from('00f6a000', 'hex'),
    Buffer.from(AUTHORIZE, 'hex'),
    text('local'),
    text('0'.repeat(64)),
    bytes(Buffer.from(stringToSign)),
    Buffer.from('f6f6', 'hex'),
  ]);
}

/** GetItem of an item of `hack/benchmark/dataset.ts`: partition and sort key are texts. */
export function getItemRequest(table: string, { pk, sk }: AttributeMap): Buffer {
  if (pk === undefined || sk === undefined || !('S' in pk) || !('S' in sk)) {
    throw new Error('the keys of the benchmark are texts');
  }
  return Buffer.concat([
    Buffer.from(GET_ITEM, 'hex'),
    bytes(Buffer.from(table)),
    bytes(Buffer.concat([text(pk.S), Buffer.from(sk.S)])),
    Buffer.from(NO_OPTIONS, 'hex'),
  ]);
}

function text(value: string): Buffer {
  return headed(0x60, Buffer.from(value));
}

function bytes(value: Buffer): Buffer {
  return headed(0x40, value);
}

/** A CBOR string of less than 64 KiB. */
function headed(major: number, value: Buffer): Buffer {
  const { length } = value;
  if (length < 24) return Buffer.concat([Buffer.of(major | length), value]);
  if (length < 256) return Buffer.concat([Buffer.of(major | 24, length), value]);
  return Buffer.concat([Buffer.of(major | 25, length >> 8, length & 0xff), value]);
}
