import type { Item } from '../item/attribute-value.ts';
import { capacityOfList, listCapacity } from '../partition/capacity.ts';
import type { PageResult, QueryRequest, ScanRequest } from '../partition/command.ts';
import type { PageAnswer, PageCall } from './protocol.ts';

/**
 * Requests and answers of pages, between routers and nodes. Requests and keys travel as UTF-8 JSON:
 * it holds any string and any name of an attribute, `__proto__` among them, which MessagePack's
 * decoder renames.
 */

/** The `request` of a PageCall: members that are undefined are left out. */
export function encodePageRequest(request: QueryRequest | ScanRequest): Buffer {
  return Buffer.from(JSON.stringify(request));
}

export type PageRequest =
  | { readonly kind: 'query'; readonly request: QueryRequest }
  | { readonly kind: 'scan'; readonly request: ScanRequest };

/** @throws RangeError, SyntaxError when the bytes are no request */
export function decodePageRequest(kind: PageCall[2], encoded: unknown): PageRequest {
  if (!(encoded instanceof Uint8Array)) throw new RangeError('a page request is bytes');
  // Written by `encodePageRequest` in another process of the cluster, from a validated request.
  const parsed = JSON.parse(textOf(encoded)) as Partial<QueryRequest & ScanRequest>;
  const common = {
    indexName: undefined,
    filter: undefined,
    projection: undefined,
    limit: undefined,
    exclusiveStartKey: undefined,
    ...parsed,
  };
  return kind === 'query'
    ? { kind, request: common as QueryRequest }
    : { kind, request: common as ScanRequest };
}

export function encodePageAnswer(result: PageResult): PageAnswer {
  const { lastEvaluatedKey } = result;
  return [
    result.items,
    result.count,
    result.scannedCount,
    lastEvaluatedKey === undefined ? null : Buffer.from(JSON.stringify(lastEvaluatedKey)),
    listCapacity(result.capacity),
    result.evaluatedBytes,
  ];
}

export function decodePageAnswer(answer: PageAnswer): PageResult {
  const [items, count, scannedCount, lastKey, capacity, evaluatedBytes] = answer;
  return {
    items,
    count,
    scannedCount,
    lastEvaluatedKey:
      lastKey instanceof Uint8Array ? (JSON.parse(textOf(lastKey)) as Item) : undefined,
    capacity: capacityOfList(capacity),
    evaluatedBytes,
  };
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString();
}
