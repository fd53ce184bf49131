import { createHmac, hash } from 'node:crypto';
import { basicFormat } from '../../dataplane/access/signature-date.ts';
import type { Handshake } from './handshake.ts';

export const ACCESS_KEY_ID = 'AKIAIOSFODNN7EXAMPLE';
export const SECRET = 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY';

/** What may be wrong about a handshake, in its parts. */
export interface HandshakeParts {
  readonly nowMs: number;
  readonly accessKeyId?: string;
  readonly secret?: string;
  readonly host?: string;
  readonly algorithm?: string;
  readonly date?: string;
  readonly region?: string;
  readonly service?: string;
  readonly terminator?: string;
  readonly sessionToken?: string;
}

/** Signs as clients do (reference/dax-protocol.md section 4). */
export function signedHandshake(parts: HandshakeParts): Handshake {
  const time = basicFormat(parts.nowMs);
  const {
    accessKeyId = ACCESS_KEY_ID,
    secret = SECRET,
    host = 'dax.amazonaws.com',
    algorithm = 'AWS4-HMAC-SHA256',
    date = time.slice(0, 8),
    region = 'us-east-1',
    service = 'dax',
    terminator = 'aws4_request',
    sessionToken,
  } = parts;
  const canonical = [
    'POST',
    '/',
    '',
    `host:${host}`,
    `x-amz-date:${time}`,
    '',
    'host;x-amz-date',
    hash('sha256', '', 'hex'),
  ].join('\n');
  const scope = [date, region, service, terminator];
  const stringToSign = [algorithm, time, scope.join('/'), hash('sha256', canonical, 'hex')].join(
    '\n',
  );
  let key = Buffer.from(`AWS4${secret}`);
  for (const part of scope) key = createHmac('sha256', key).update(part).digest();
  const signature = createHmac('sha256', key).update(stringToSign).digest('hex');
  return { accessKeyId, signature, stringToSign, sessionToken };
}
