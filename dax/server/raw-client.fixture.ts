import { connect, type Socket } from 'node:net';
import { vi } from 'vitest';
import { MAJOR } from '../protocol/cbor-head.ts';
import { CborReader } from '../protocol/cbor-reader.ts';
import { CborWriter } from '../protocol/cbor-writer.ts';
import { methods } from '../protocol/methods.ts';
import type { MethodName } from '../protocol/requests.ts';
import type { Handshake } from './handshake.ts';

/** Of @amazon-dax-sdk/client-dax 3.1.0, captured. */
export const PREAMBLE = Buffer.from(
  '674a37796e65354700502d2909aebc7f0ae0b90fefae569f4fd1a169557365724167656e74734461784a535633436c69656e742d332e312e3000',
  'hex',
);

/** Of amazon-dax-client 2.0.5 for Java, which wants its replies in frames. */
export const FRAMED_PREAMBLE = Buffer.from(
  '674a37796e65354701f6a169557365724167656e74754461784a617661563243'.concat(
    '6c69656e742d322e302e3500',
  ),
  'hex',
);

/** An error reply, read. */
export interface RawFault {
  readonly codes: readonly number[];
  readonly message: string;
  readonly requestId: string;
  readonly errorCode: string;
  readonly status: number;
}

/** A socket that sends bytes and looks at what comes back, without any client's kindness. */
export class RawClient {
  readonly socket: Socket;
  #received: Buffer[] = [];
  #bytes = 0;
  /** How the other side ended the connection: politely, or with an error's code. */
  ended: 'fin' | string | undefined;
  isClosed = false;

  static async connect(port: number): Promise<RawClient> {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', reject);
    });
    return new RawClient(socket);
  }

  constructor(socket: Socket) {
    this.socket = socket;
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => {
      this.#received.push(chunk);
      this.#bytes += chunk.length;
    });
    socket.on('end', () => {
      this.ended ??= 'fin';
    });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      this.ended ??= error.code ?? error.message;
    });
    socket.on('close', () => {
      this.isClosed = true;
    });
  }

  send(...parts: readonly (Buffer | string)[]): void {
    const bytes = parts.map((part) => (typeof part === 'string' ? Buffer.from(part, 'hex') : part));
    this.socket.write(Buffer.concat(bytes));
  }

  /** Everything that has come and was not taken. */
  get received(): Buffer {
    const all = Buffer.concat(this.#received);
    this.#received = [all];
    return all;
  }

  /** Takes so many bytes as soon as they are there. */
  async take(bytes: number): Promise<Buffer> {
    await vi.waitFor(() => {
      if (this.#bytes < bytes) {
        throw new Error(`${this.#bytes} of ${bytes} bytes, ${this.ended ?? 'open'}`);
      }
    }, WAIT);
    return this.#drop(bytes);
  }

  /** Takes the next reply, which is an error. */
  async fault(): Promise<RawFault> {
    const fault = await vi.waitFor(() => this.#readFault(), WAIT);
    this.#drop(fault.end);
    const { end: _, ...read } = fault;
    return read;
  }

  /** Waits until the other side has ended its part. @returns how */
  async end(): Promise<string> {
    return vi.waitFor(() => {
      if (this.ended === undefined) throw new Error('still open');
      return this.ended;
    }, WAIT);
  }

  destroy(): void {
    this.socket.destroy();
  }

  #drop(bytes: number): Buffer {
    const all = this.received;
    this.#received = [all.subarray(bytes)];
    this.#bytes = all.length - bytes;
    return all.subarray(0, bytes);
  }

  #readFault(): RawFault & { readonly end: number } {
    const reader = new CborReader(this.received);
    const codes: number[] = [];
    const count = reader.definiteArrayCount();
    if (count === 0) throw new Error(`no error: ${this.received.toString('hex')}`);
    for (let index = 0; index < count; index++) codes.push(reader.integer());
    const message = reader.text();
    const length = reader.definiteArrayCount();
    const [requestId, errorCode, status] = [reader.text(), reader.text(), reader.integer()];
    for (let index = 3; index < length; index++) reader.skip();
    return { codes, message, requestId, errorCode, status, end: reader.position };
  }
}

/** Less than tests have in all (hack/vitest.config.ts): what is missing is told. */
const WAIT = { timeout: 55_000, interval: 5 } as const;

/** Service and method id, then what `write` writes. */
export function request(
  method: MethodName,
  write: (writer: CborWriter) => void = () => {},
): Buffer {
  const writer = new CborWriter();
  writer.integer(1);
  writer.integer(methods.find(({ name }) => name === method)?.id ?? 0);
  write(writer);
  return writer.finish();
}

export function authorizeConnection(handshake: Handshake): Buffer {
  return request('authorizeConnection', (writer) => {
    writer.text(handshake.accessKeyId);
    writer.text(handshake.signature);
    writer.byteText(handshake.stringToSign);
    if (handshake.sessionToken === undefined) writer.null();
    else writer.text(handshake.sessionToken);
    writer.text('DaxJSV3Client-3.1.0');
  });
}

export function getItem(table: string, key: string): Buffer {
  return request('getItem', (writer) => {
    writer.byteText(table);
    writer.byteText(key);
    noOptions(writer);
  });
}

/** `bf ff`: an empty map of indefinite length, as all clients send it. */
export function noOptions(writer: CborWriter): void {
  writer.byte(0xbf);
  writer.byte(0xff);
}

/** A list of texts, as in defineAttributeListId. */
export function textList(writer: CborWriter, texts: readonly string[]): void {
  writer.head(MAJOR.array, texts.length);
  for (const text of texts) writer.text(text);
}
