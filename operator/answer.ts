import type { ClientRequest, IncomingMessage } from 'node:http';

/** What a process answered by HTTP. */
export interface Answer {
  readonly status: number;
  readonly text: string;
}

/**
 * Reads an answer to its end. One that is longer than allowed ends its request with an error.
 * Rejects with the connection's error.
 */
export function answerOf(
  incoming: IncomingMessage,
  outgoing: ClientRequest,
  bytesMax: number,
): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const chunks: Buffer[] = [];
  let bytes = 0;
  incoming.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > bytesMax) outgoing.destroy(new Error('the answer is too long'));
    else chunks.push(chunk);
  });
  incoming.on('end', () =>
    resolve({ status: incoming.statusCode ?? 0, text: Buffer.concat(chunks).toString('utf8') }),
  );
  incoming.on('error', reject);
  return promise;
}

/** The members of what may be of another version than the operator, to be looked at one by one; none of what is no object. */
export function membersOf(json: unknown): Readonly<Record<string, unknown>> {
  return typeof json === 'object' && json !== null ? { ...json } : {};
}
