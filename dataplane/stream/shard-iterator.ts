import { createHmac, timingSafeEqual } from 'node:crypto';
import { readUint53, writeUint53 } from '../partition/key-space.ts';

/**
 * A place in a shard. On the wire `<stream ARN>|1|<base64>`, of these bytes:
 *
 * | offset | size | what |
 * |---|---|---|
 * | 0 | 1 | format, 1 |
 * | 1 | 1 | flags: 1 from the trim horizon on |
 * | 2 | 8 | when it was given out, ms since 1970 |
 * | 10 | 8 | partition id |
 * | 18 | 8 | sequence to go on with |
 * | 26 | 8 | records written before this are passed over, ms since 1970; 0: none |
 * | 34 | 1 | n, length of the shard's id |
 * | 35 | n | shard id, ASCII |
 * | 35 + n | 16 | HMAC-SHA-256 of the ARN and all before, cut; its key is made of the table's secret |
 */
export interface ShardIterator {
  readonly givenOutMs: number;
  readonly partitionId: bigint;
  readonly shardId: string;
  readonly sequence: number;
  /** Begins with the oldest record that is left, however far that is. */
  readonly isFromHorizon: boolean;
  readonly writtenFromMs: number;
}

/** An iterator is good for so long (API: 15 minutes). */
export const ITERATOR_AGE_MS_MAX = 15 * 60_000;

const FORMAT = 1;
const FROM_HORIZON = 1;
const HEADER_BYTES = 35;
const TAG_BYTES = 16;
const SEPARATOR = '|1|';

/** @param secret - of the table */
export function encodeShardIterator(
  iterator: ShardIterator,
  { arn, secret }: { readonly arn: string; readonly secret: Uint8Array },
): string {
  const { givenOutMs, partitionId, shardId, sequence, isFromHorizon, writtenFromMs } = iterator;
  const body = Buffer.alloc(HEADER_BYTES + shardId.length);
  body[0] = FORMAT;
  body[1] = isFromHorizon ? FROM_HORIZON : 0;
  writeUint53(body, givenOutMs, 2);
  body.writeBigUInt64BE(partitionId, 10);
  writeUint53(body, sequence, 18);
  writeUint53(body, writtenFromMs, 26);
  body[34] = shardId.length;
  body.write(shardId, HEADER_BYTES, 'ascii');
  const bytes = Buffer.concat([body, tagOf(body, arn, secret)]);
  return `${arn}${SEPARATOR}${bytes.toString('base64')}`;
}

/** The stream's ARN, and what is behind it; undefined if the text has another form. */
export function splitShardIterator(
  text: string,
): { readonly arn: string; readonly rest: string } | undefined {
  const at = text.lastIndexOf(SEPARATOR);
  return at < 0 ? undefined : { arn: text.slice(0, at), rest: text.slice(at + SEPARATOR.length) };
}

/** Undefined for what was not given out for this stream. */
export function decodeShardIterator(
  rest: string,
  { arn, secret }: { readonly arn: string; readonly secret: Uint8Array },
): ShardIterator | undefined {
  const bytes = Buffer.from(rest, 'base64');
  const bodyBytes = bytes.length - TAG_BYTES;
  // Base64 that is not as it is written here is decoded somehow: such text was not given out, either.
  if (bodyBytes < HEADER_BYTES || bytes.toString('base64') !== rest) return undefined;
  const body = bytes.subarray(0, bodyBytes);
  if (!timingSafeEqual(bytes.subarray(bodyBytes), tagOf(body, arn, secret))) return undefined;
  if (body[0] !== FORMAT) return undefined;
  return {
    isFromHorizon: body[1] === FROM_HORIZON,
    givenOutMs: readUint53(body, 2),
    partitionId: body.readBigUInt64BE(10),
    sequence: readUint53(body, 18),
    writtenFromMs: readUint53(body, 26),
    shardId: body.toString('ascii', HEADER_BYTES),
  };
}

function tagOf(body: Buffer, arn: string, secret: Uint8Array): Buffer {
  const key = createHmac('sha256', secret).update('stream iterator').digest();
  return createHmac('sha256', key)
    .update(arn)
    .update('\0')
    .update(body)
    .digest()
    .subarray(0, TAG_BYTES);
}
