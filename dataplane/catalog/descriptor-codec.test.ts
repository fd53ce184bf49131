import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { planCreateTable } from './create-plan.ts';
import type { TableDescriptor } from './descriptor.ts';
import {
  decodeDescriptor,
  decodeIds,
  decodeRetired,
  encodeDescriptor,
  encodeIds,
  encodeRecord,
  encodeRetired,
} from './descriptor-codec.ts';
import { provisionedTable } from './installation.fixture.ts';
import { finishCreation } from './transitions.ts';

const stream = { id: 7, viewType: 'NEW_IMAGE' } as const;

function descriptor(name: string, units: number): TableDescriptor {
  let id = (1n << 63n) + 1n;
  const index = {
    IndexName: 'by-pk',
    KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' as const }],
    Projection: { ProjectionType: 'INCLUDE' as const, NonKeyAttributes: ['__proto__', name] },
    ProvisionedThroughput: { ReadCapacityUnits: units, WriteCapacityUnits: 1 },
  };
  return planCreateTable(provisionedTable(name, units, { GlobalSecondaryIndexes: [index] }), {
    name,
    arn: `arn:${name}`,
    region: 'eu-test-1',
    nowMs: 1,
    streamIdMin: 0,
    newTableId: () => 'id',
    newHashSecret: () => Buffer.alloc(32, 7),
    nextPartitionId: () => id++,
  });
}

describe('records of the catalog', () => {
  it('come back as they were written', () => {
    fc.assert(
      fc.property(fc.string(), fc.integer({ min: 1, max: 40_000 }), (name, units) => {
        const table = descriptor(name, units);
        // Undefined members are absent in JSON, which toEqual does not tell apart.
        expect(decodeDescriptor(encodeDescriptor(table))).toEqual(table);
        const active = finishCreation(table);
        expect(decodeDescriptor(encodeDescriptor(active))).toEqual(active);
        const streamed = { ...table, stream };
        expect(decodeDescriptor(encodeDescriptor(streamed))).toEqual(streamed);
        // In the same words: what has not changed is told by that.
        const again = encodeDescriptor(decodeDescriptor(encodeDescriptor(streamed)));
        expect(again.equals(encodeDescriptor(streamed))).toBe(true);
      }),
    );
    const ids = [0n, 1n, (1n << 64n) - 1n];
    expect(decodeIds(encodeIds(ids))).toEqual(ids);
  });

  it('of an earlier release are of tables without a stream', () => {
    const table = descriptor('Music', 5);
    const { body } = JSON.parse(encodeDescriptor(table).toString());
    const { stream: _, endedStreams: __, streamPending: ___, ...earlier } = body;
    expect(decodeDescriptor(encodeRecord(earlier))).toEqual(table);
  });

  it('of a deleted table come back as they were written', () => {
    const table = { ...descriptor('Music', 5), endedStreams: [{ ...stream, endedAtMs: 9 }] };
    const retired = { table, retiredAtMs: 9, isCleared: false };
    expect(decodeRetired(encodeRetired(retired))).toEqual(retired);
  });

  it('are refused when a byte has changed', () => {
    const bytes = encodeDescriptor(descriptor('Music', 5));
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (place, change) => {
        const damaged = Buffer.from(bytes);
        damaged[place] = (damaged[place] ?? 0) ^ change;
        expect(() => decodeDescriptor(damaged)).toThrow();
      }),
    );
  });

  it('are refused when they are of a newer version', () => {
    const newer = encodeIds([1n]).toString().replace('"version":1', '"version":2');
    expect(() => decodeIds(Buffer.from(newer))).toThrow(
      expect.objectContaining({ code: 'newerFormat' }),
    );
  });
});
