import type { IncomingMessage } from 'node:http';
import { DISCARD_BYTES_MAX, HELD_BODY_BYTES_MAX, REQUEST_BODY_BYTES_MAX } from './limits.ts';

const EMPTY = Buffer.alloc(0);

/** What becomes of a body; exactly one is called, or none if the client goes away first. */
export interface BodyReceiver {
  complete(body: Buffer): void;
  /** More than REQUEST_BODY_BYTES_MAX; the rest is being thrown away. */
  tooLarge(): void;
  /** All connections together hold too much; the rest is being thrown away. */
  overloaded(): void;
}

/** Bytes of bodies held at present, over all connections of an endpoint. */
export class HeldBodies {
  bytes = 0;
}

/**
 * Reads a request's body, counting while it arrives.
 *
 * The usual body is one chunk and is passed on as it is: no copy, no list. Nothing beyond the
 * limits is kept, whatever the Content-Length says or hides.
 */
export function readBody(request: IncomingMessage, held: HeldBodies, receiver: BodyReceiver): void {
  if (Number(request.headers['content-length']) > REQUEST_BODY_BYTES_MAX) {
    discardBody(request);
    receiver.tooLarge();
    return;
  }
  let first: Buffer | undefined;
  const onData = (chunk: Buffer) => {
    if (first === undefined) {
      first = chunk;
      return;
    }
    request.off('data', onData);
    request.off('end', onEnd);
    readLongBody(request, { held, chunks: [first, chunk], receiver });
  };
  const onEnd = () => receiver.complete(first ?? EMPTY);
  request.on('data', onData);
  request.on('end', onEnd);
}

interface LongBody {
  readonly held: HeldBodies;
  readonly chunks: Buffer[];
  readonly receiver: BodyReceiver;
}

/** Goes on where a second chunk has arrived. */
function readLongBody(request: IncomingMessage, { held, chunks, receiver }: LongBody): void {
  let bytes = 0;
  const keep = (count: number) => {
    bytes += count;
    held.bytes += count;
  };
  const release = () => {
    held.bytes -= bytes;
    bytes = 0;
    chunks.length = 0;
  };
  const stop = () => {
    request.off('data', onData);
    request.off('end', onEnd);
    request.off('close', release);
    release();
  };
  const overLimit = (): boolean => {
    if (bytes <= REQUEST_BODY_BYTES_MAX && held.bytes <= HELD_BODY_BYTES_MAX) return false;
    const isTooLarge = bytes > REQUEST_BODY_BYTES_MAX;
    stop();
    discardBody(request);
    if (isTooLarge) receiver.tooLarge();
    else receiver.overloaded();
    return true;
  };
  const onData = (chunk: Buffer) => {
    chunks.push(chunk);
    keep(chunk.length);
    overLimit();
  };
  const onEnd = () => {
    const body = Buffer.concat(chunks, bytes);
    stop();
    receiver.complete(body);
  };
  for (const chunk of chunks) keep(chunk.length);
  if (overLimit()) return;
  request.on('data', onData);
  request.on('end', onEnd);
  request.on('close', release);
}

/** Reads on without keeping anything; cuts the connection when the client does not come to an end. */
function discardBody(request: IncomingMessage): void {
  let bytes = 0;
  request.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > DISCARD_BYTES_MAX) request.socket.destroy();
  });
}
