import { connect, type Socket } from 'node:net';

export interface LeanSocketOptions {
  readonly port: number;
  readonly readBytes: number;
  /** The bytes are overwritten by the next ones. */
  readonly onBytes: (buffer: Buffer, byteCount: number) => void;
  readonly onFailure: (error: Error) => void;
}

/**
 * A connection to loopback that reads into one buffer of its own, so that a load generator costs less than
 * any server it drives.
 */
export class LeanSocket {
  readonly #socket: Socket;

  constructor({ port, readBytes, onBytes, onFailure }: LeanSocketOptions) {
    this.#socket = connect({
      host: '127.0.0.1',
      port,
      noDelay: true,
      onread: {
        buffer: Buffer.allocUnsafe(readBytes),
        callback: (byteCount, buffer) => {
          onBytes(buffer as Buffer, byteCount);
          return true;
        },
      },
    });
    this.#socket.on('error', onFailure);
    this.#socket.on('close', () => onFailure(new Error('the server closed a connection')));
  }

  write(bytes: Buffer): void {
    this.#socket.write(bytes);
  }

  close(): void {
    this.#socket.removeAllListeners('close');
    this.#socket.destroy();
  }
}
