import fc from 'fast-check';
import { Packr } from 'msgpackr/pack';
import { describe, expect, it } from 'vitest';
import { conditions, paths } from '../expression/expression.arbitrary.ts';
import {
  arbitraryItem,
  arbitraryKeyValue,
  arbitraryName,
} from '../item/attribute-value.arbitrary.ts';
import type { PageResult, QueryRequest, ScanRequest } from '../partition/command.ts';
import type { PageAnswer } from './protocol.ts';
import {
  decodePageAnswer,
  decodePageRequest,
  encodePageAnswer,
  encodePageRequest,
} from './wire-page.ts';

const RUNS = 300;

/** What a body goes through between two processes. */
const packr = new Packr({ useRecords: false, structuredClone: false, copyBuffers: true });
const overTheWire = <T>(body: T): T => packr.unpack(packr.pack(body)) as T;

const maybe = <T>(of: fc.Arbitrary<T>) => fc.option(of, { nil: undefined });
const options = {
  indexName: maybe(fc.string()),
  consistentRead: fc.boolean(),
  filter: maybe(conditions),
  projection: maybe(fc.array(paths, { maxLength: 3 })),
  output: fc.constantFrom('items' as const, 'count' as const),
  fetchFromTable: fc.boolean(),
  limit: maybe(fc.integer({ min: 1 })),
  exclusiveStartKey: maybe(arbitraryItem),
};
const equals = fc.record({
  attribute: arbitraryName,
  operator: fc.constant('=' as const),
  value: arbitraryKeyValue,
});
const between = fc.record({
  attribute: arbitraryName,
  operator: fc.constant('between' as const),
  lower: arbitraryKeyValue,
  upper: arbitraryKeyValue,
});
const queries: fc.Arbitrary<QueryRequest> = fc.record({
  ...options,
  hashConditions: fc.array(equals, { minLength: 1, maxLength: 4 }),
  rangeConditions: fc.array(fc.oneof(equals, between), { maxLength: 4 }),
  scanIndexForward: fc.boolean(),
});
const scans: fc.Arbitrary<ScanRequest> = fc.record({
  ...options,
  segment: fc.nat(),
  totalSegments: fc.nat(),
});
const units = fc.uniqueArray(fc.tuple(fc.string(), fc.double({ noNaN: true, min: 0.5 })), {
  maxLength: 3,
  selector: ([name]) => name,
});
const results: fc.Arbitrary<PageResult> = fc.record({
  items: fc.array(arbitraryItem.map((item) => Buffer.from(JSON.stringify(item)))),
  count: fc.nat(),
  scannedCount: fc.nat(),
  lastEvaluatedKey: maybe(arbitraryItem),
  capacity: fc.record({
    table: fc.constantFrom(0, 0.5, 1, 12.5),
    localIndexes: units.map((entries) => new Map(entries)),
    globalIndexes: units.map((entries) => new Map(entries)),
  }),
  evaluatedBytes: fc.nat(),
});

describe('a page on the wire', () => {
  it('is asked for as the router asks', () => {
    fc.assert(
      fc.property(queries, scans, (query, scan) => {
        const sent = (request: QueryRequest | ScanRequest) =>
          overTheWire(encodePageRequest(request));
        expect(decodePageRequest('query', sent(query))).toEqual({
          kind: 'query',
          request: query,
        });
        expect(decodePageRequest('scan', sent(scan))).toEqual({
          kind: 'scan',
          request: scan,
        });
      }),
      { numRuns: RUNS },
    );
  });

  it('is answered as the node answers', () => {
    fc.assert(
      fc.property(results, (result) => {
        const answer: PageAnswer = overTheWire(encodePageAnswer(result));
        expect(decodePageAnswer(answer)).toEqual(result);
      }),
      { numRuns: RUNS },
    );
  });
});
