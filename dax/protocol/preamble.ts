import { ClientFault } from '../../dataplane/errors/client-fault.ts';
import { MAJOR } from './cbor-head.ts';
import type { CborReader } from './cbor-reader.ts';
import { HEADERS_COUNT_MAX, SESSION_ID_BYTES_MAX } from './limits.ts';
import { ProtocolError } from './protocol-error.ts';

/** The first thing on a connection, once, without a reply (reference/dax-protocol.md section 1.2). */
export interface Preamble {
  readonly kind: 'preamble';
  /** Replies are to come in frames (`frame.ts`): Java's client asks for them. */
  readonly isFramed: boolean;
  /** As sent: bytes (Node, Python), text (Go) or null. Of no use to a server. */
  readonly sessionId: Buffer | string | undefined;
  readonly userAgent: string | undefined;
  readonly byteLength: number;
}

/** Magic, layering, session id, headers, client mode. */
export const PREAMBLE_VALUES = 5;

/**
 * Looks at the first bytes of a connection as they come: other protocols' need not be waited for.
 * @throws ProtocolError
 */
export function checkMagic(bytes: Buffer): void {
  const length = Math.min(bytes.length, MAGIC.length);
  if (MAGIC.compare(bytes, 0, length, 0, length) !== 0) {
    throw new ProtocolError('magic', 'the connection does not begin as those of DAX clients');
  }
}

/** Reads a preamble that is all there. @throws ProtocolError */
export function decodePreamble(reader: CborReader): Preamble {
  const start = reader.position;
  try {
    reader.text();
    const isFramed = reader.integer() === FRAMED;
    const sessionId = readSessionId(reader);
    const userAgent = readUserAgent(reader);
    reader.integer();
    return {
      kind: 'preamble',
      isFramed,
      sessionId,
      userAgent,
      byteLength: reader.position - start,
    };
  } catch (thrown) {
    if (!(thrown instanceof ClientFault)) throw thrown;
    throw new ProtocolError('preamble', 'the preamble has other values than those of DAX clients');
  }
}

/** The text `J7yne5G` with its head. */
const MAGIC = Buffer.from('gJ7yne5G');
/** The layering of Java's client; that of all others is 0. */
const FRAMED = 1;
const USER_AGENT = 'UserAgent';

function readSessionId(reader: CborReader): Buffer | string | undefined {
  if (reader.tryNull()) return undefined;
  const sessionId = reader.peekMajor() === MAJOR.text ? reader.text() : reader.byteString();
  if (sessionId.length > SESSION_ID_BYTES_MAX) {
    throw new ProtocolError('preamble', 'the session id is too long');
  }
  return sessionId;
}

function readUserAgent(reader: CborReader): string | undefined {
  let userAgent: string | undefined;
  const count = reader.mapCount();
  for (let index = 0; reader.hasElement(index, count); index++) {
    if (index === HEADERS_COUNT_MAX) throw new ProtocolError('preamble', 'too many headers');
    const name = reader.text();
    const value = reader.text();
    if (name === USER_AGENT) userAgent = value;
  }
  return userAgent;
}
