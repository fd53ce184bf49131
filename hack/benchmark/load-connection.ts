import { LeanSocket } from './lean-socket.ts';

/** One answer, read no further than load needs. */
export interface Answer {
  readonly status: number;
  readonly bodyBytes: number;
  /** Only when the connection collects bodies. */
  readonly body: string | undefined;
}

export interface LoadConnectionOptions {
  readonly port: number;
  /** Keep the bodies of answers: for checks, not for load. */
  readonly collectsBodies: boolean;
  readonly onAnswer: (answer: Answer, connection: LoadConnection) => void;
  readonly onFailure: (error: Error) => void;
}

const READ_BYTES = 256 * 1024;
const HEAD_BYTES_MAX = 16 * 1024;

/**
 * One keep-alive connection with at most one request on its way. It reads into one buffer of its own and
 * looks at the status line and at Content-Length only, so that it costs less than any server it drives.
 */
export class LoadConnection {
  readonly #socket: LeanSocket;
  readonly #options: LoadConnectionOptions;
  #head = '';
  #status = 0;
  #bodyBytes = 0;
  /** Of the answer being read; undefined while its head is not complete. */
  #bodyBytesLeft: number | undefined = undefined;
  #parts: Buffer[] = [];

  constructor(options: LoadConnectionOptions) {
    this.#options = options;
    this.#socket = new LeanSocket({
      port: options.port,
      readBytes: READ_BYTES,
      onBytes: (buffer, byteCount) => this.#read(buffer, byteCount),
      onFailure: options.onFailure,
    });
  }

  /** Sends one whole request. The answer to the one before must have arrived. */
  send(request: Buffer): void {
    this.#socket.write(request);
  }

  close(): void {
    this.#socket.close();
  }

  #read(buffer: Buffer, byteCount: number): void {
    const bodyStart = this.#bodyBytesLeft === undefined ? this.#readHead(buffer, byteCount) : 0;
    if (bodyStart === undefined || this.#bodyBytesLeft === undefined) return;
    this.#bodyBytesLeft -= byteCount - bodyStart;
    if (this.#options.collectsBodies) {
      this.#parts.push(Buffer.from(buffer.subarray(bodyStart, byteCount)));
    }
    if (this.#bodyBytesLeft > 0) return;
    if (this.#bodyBytesLeft < 0) {
      this.#options.onFailure(new Error('more bytes came than Content-Length says'));
      return;
    }
    this.#finish();
  }

  /** Where the body starts in this piece; undefined while the head is not complete. */
  #readHead(buffer: Buffer, byteCount: number): number | undefined {
    const before = this.#head.length;
    const text = buffer.toString('latin1', 0, Math.min(byteCount, HEAD_BYTES_MAX));
    this.#head = before === 0 ? text : this.#head + text;
    const end = this.#head.indexOf('\r\n\r\n');
    if (end === -1) {
      if (this.#head.length > HEAD_BYTES_MAX) {
        this.#options.onFailure(new Error('an answer without end of head'));
      }
      return undefined;
    }
    const length = contentLength(this.#head.slice(0, end));
    if (length === undefined) {
      this.#options.onFailure(new Error('an answer without Content-Length'));
      return undefined;
    }
    this.#status = Number(this.#head.slice(9, 12));
    this.#bodyBytes = length;
    this.#bodyBytesLeft = length;
    this.#head = '';
    return end + 4 - before;
  }

  #finish(): void {
    const body = this.#options.collectsBodies ? Buffer.concat(this.#parts).toString() : undefined;
    this.#parts = [];
    this.#bodyBytesLeft = undefined;
    this.#options.onAnswer({ status: this.#status, bodyBytes: this.#bodyBytes, body }, this);
  }
}

function contentLength(head: string): number | undefined {
  const match = /\r\ncontent-length: *([0-9]+)/i.exec(head);
  return match === null ? undefined : Number(match[1]);
}

/** One keep-alive connection for calls made one after the other, with the bodies of their answers. */
export class Caller {
  readonly #connection: LoadConnection;
  #settle: ((answered: Answer | Error) => void) | undefined;
  #failure: Error | undefined;

  constructor(port: number) {
    this.#connection = new LoadConnection({
      port,
      collectsBodies: true,
      onAnswer: (answer) => this.#settle?.(answer),
      onFailure: (error) => {
        this.#failure = error;
        this.#settle?.(error);
      },
    });
  }

  call(request: Buffer): Promise<Answer> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    return new Promise((resolve, reject) => {
      this.#settle = (answered) => {
        this.#settle = undefined;
        if (answered instanceof Error) reject(answered);
        else resolve(answered);
      };
      this.#connection.send(request);
    });
  }

  close(): void {
    this.#connection.close();
  }
}
