import { createHash, createHmac } from 'node:crypto';

/** Access keys of the signed mode: what the server under test is started with. */
export interface AccessKey {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

const REGION = 'us-east-1';

/** What a request is signed over; all headers given are signed. */
export interface SignedRequest {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly date: Date;
}

/**
 * The Authorization header of Signature Version 4 for `POST /`, service dynamodb. Header names are
 * lower case. @see AWS documentation, "Create a signed AWS API request"
 */
export function authorization(request: SignedRequest, key: AccessKey): string {
  const names = Object.keys(request.headers).sort();
  const canonical = [
    'POST',
    '/',
    '',
    ...names.map((name) => `${name}:${request.headers[name]}`),
    '',
    names.join(';'),
    sha256(request.body),
  ].join('\n');
  const timestamp = amzDate(request.date);
  const day = timestamp.slice(0, 8);
  const scope = `${day}/${REGION}/dynamodb/aws4_request`;
  const text = ['AWS4-HMAC-SHA256', timestamp, scope, sha256(canonical)].join('\n');
  const signature = hmac(signingKey(key.secretAccessKey, day), text).toString('hex');
  return `AWS4-HMAC-SHA256 Credential=${key.accessKeyId}/${scope}, SignedHeaders=${names.join(';')}, Signature=${signature}`;
}

/** Time as X-Amz-Date writes it: 20260102T030405Z. */
export function amzDate(date: Date): string {
  return date.toISOString().replaceAll(/[-:]|\.\d{3}/g, '');
}

const signingKeys = new Map<string, Buffer>();

/** Derived once for a day and secret: four HMACs that every request of that day shares. */
function signingKey(secret: string, day: string): Buffer {
  const name = `${day} ${secret}`;
  let key = signingKeys.get(name);
  if (key === undefined) {
    key = hmac(hmac(hmac(hmac(`AWS4${secret}`, day), REGION), 'dynamodb'), 'aws4_request');
    signingKeys.set(name, key);
  }
  return key;
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}
