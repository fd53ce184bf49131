import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { partiqlFaults } from '../errors/partiql.ts';
import type { AttributeValue, Item } from '../item/attribute-value.ts';

/** Where a SELECT goes on: in which of its reads, and behind which item of that. */
export interface ReadPosition {
  readonly readIndex: number;
  readonly startKey: Item | undefined;
}

/** What a token belongs to. */
export interface TokenScope {
  readonly statement: string;
  readonly parameters: readonly AttributeValue[];
  /** 32 bytes, the table's own: no one outside can make a token of it. */
  readonly secret: Uint8Array;
}

/**
 * A position as `NextToken`: base64url of
 *
 * | offset | size | what |
 * |---|---|---|
 * | 0 | 1 | format, 1 |
 * | 1 | 16 | SHA-256, cut, of statement and parameters |
 * | 17 | 16 | HMAC-SHA-256, cut, of all the rest by the table's secret |
 * | 33 | | UTF-8 JSON `[readIndex, startKey or null]` |
 */
export function tokenOf(position: ReadPosition, scope: TokenScope): string {
  const head = Buffer.concat([FORMAT, digestOf(scope)]);
  const body = Buffer.from(JSON.stringify([position.readIndex, position.startKey ?? null]));
  return Buffer.concat([head, sealOf(scope.secret, head, body), body]).toString('base64url');
}

/**
 * The position of a token that `tokenOf` made for the same statement.
 * @throws ClientFault of a token of another statement, or of one that nobody here has made
 */
export function positionOf(token: string, scope: TokenScope): ReadPosition {
  if (!BASE64URL.test(token)) throw partiqlFaults.tokenInvalid();
  const bytes = Buffer.from(token, 'base64url');
  const head = bytes.subarray(0, SEAL_OFFSET);
  const body = bytes.subarray(BODY_OFFSET);
  if (body.length === 0 || bytes[0] !== FORMAT[0]) throw partiqlFaults.tokenInvalid();
  if (!head.subarray(FORMAT.length).equals(digestOf(scope))) throw partiqlFaults.tokenOfOther();
  const seal = bytes.subarray(SEAL_OFFSET, BODY_OFFSET);
  if (!timingSafeEqual(seal, sealOf(scope.secret, head, body))) throw partiqlFaults.tokenInvalid();
  // Sealed: written by `tokenOf`, perhaps in another process of the cluster.
  const [readIndex, startKey] = JSON.parse(body.toString()) as [number, Item | null];
  return { readIndex, startKey: startKey ?? undefined };
}

const FORMAT = Buffer.from([1]);
const DIGEST_BYTES = 16;
const SEAL_OFFSET = FORMAT.length + DIGEST_BYTES;
const BODY_OFFSET = SEAL_OFFSET + DIGEST_BYTES;
const BASE64URL = /^[A-Za-z0-9_-]+$/;

function digestOf({ statement, parameters }: TokenScope): Buffer {
  const text = JSON.stringify([statement, parameters]);
  return createHash('sha256').update(text).digest().subarray(0, DIGEST_BYTES);
}

function sealOf(secret: Uint8Array, head: Buffer, body: Buffer): Buffer {
  const seal = createHmac('sha256', secret).update('PartiQL NextToken').update(head).update(body);
  return seal.digest().subarray(0, DIGEST_BYTES);
}
