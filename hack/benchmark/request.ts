import { type AccessKey, amzDate, authorization } from './signature.ts';

/** One call of an operation of the API at an endpoint of this machine. */
export interface Call {
  readonly port: number;
  readonly target: string;
  /** What X-Amz-Target has before the dot; by default that of tables and items. */
  readonly service?: 'DynamoDBStreams_20120810';
  readonly body: object;
  /** Absent: an Authorization header that names a key but proves nothing, of the usual length. */
  readonly accessKey: AccessKey | undefined;
}

const unproven =
  'AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/dynamodb/aws4_request, ' +
  `SignedHeaders=content-type;host;x-amz-date;x-amz-target, Signature=${'0'.repeat(64)}`;

/** The bytes of an HTTP/1.1 request, ready to be written to a socket. */
export function requestBytes(call: Call): Buffer {
  const date = new Date();
  const body = JSON.stringify(call.body);
  const headers = {
    'content-type': 'application/x-amz-json-1.0',
    host: `127.0.0.1:${call.port}`,
    'x-amz-date': amzDate(date),
    'x-amz-target': `${call.service ?? 'DynamoDB_20120810'}.${call.target}`,
  };
  const proof =
    call.accessKey === undefined
      ? unproven
      : authorization({ headers, body, date }, call.accessKey);
  const lines = [
    'POST / HTTP/1.1',
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    `authorization: ${proof}`,
    `content-length: ${Buffer.byteLength(body)}`,
  ];
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n${body}`);
}
