import { crc32 } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { globalIndex, schemaOf } from '../partition/schema.fixture.ts';
import { configurationOf } from './cluster.fixture.ts';
import {
  decodePartitionConfiguration,
  decodeTableConfiguration,
  encodePartitionConfiguration,
  encodeTableConfiguration,
  type TableConfiguration,
} from './table-configuration.ts';

const plain = configurationOf(
  schemaOf({ globalIndexes: [globalIndex(2, { hash: 'g:S', range: '' })] }),
);
const stream = { id: 1_763_693_100_123, viewType: 'NEW_IMAGE' } as const;
const streaming: TableConfiguration = {
  ...plain,
  layout: {
    ...plain.layout,
    schema: { ...plain.layout.schema, stream },
    endedStreams: [{ id: 7, viewType: 'KEYS_ONLY', endedAtMs: 8 }],
  },
};
const retired: TableConfiguration = {
  ...plain,
  layout: { ...streaming.layout, schema: plain.layout.schema, retiredAtMs: 1_763_700_000_000 },
};

/** The configuration as releases before this one wrote it, and as they read what this one writes. */
const bodyOf = (encoded: Uint8Array) => JSON.parse(Buffer.from(encoded).toString('utf8'))[2];

describe('the configuration of a table', () => {
  it.each([
    ['without a stream', plain],
    ['with a stream, and one that was', streaming],
    ['of a table that was deleted', retired],
  ])('comes back as it was: %s', (_, table) => {
    const decoded = decodeTableConfiguration(encodeTableConfiguration(table));
    expect(decoded).toStrictEqual({
      ...table,
      layout: {
        ...table.layout,
        schema: { ...table.layout.schema, hashSecret: expect.anything() },
        partitions: expect.anything(),
        indexPartitions: expect.anything(),
      },
    });
    const partition = { partitionId: 5n, indexId: 0, table };
    const encoded = encodePartitionConfiguration(partition);
    const { table: again } = decodePartitionConfiguration(encoded);
    expect(encodeTableConfiguration(again)).toEqual(encodeTableConfiguration(table));
  });

  it('is encoded as before where there are no streams, so that an upgrade changes no table', () => {
    const body = bodyOf(encodeTableConfiguration(plain));
    expect(Object.keys(body)).toEqual([
      'version',
      'createdAtMs',
      'schema',
      'partitions',
      'indexPartitions',
      'throughput',
    ]);
    expect(Object.keys(body.schema)).not.toContain('stream');
  });

  it('keeps members that it does not know', () => {
    const body = bodyOf(encodeTableConfiguration(plain));
    const newer = { ...body, schema: { ...body.schema, color: 'blue' } };
    const encoded = Buffer.from(JSON.stringify([1, crc32(JSON.stringify(newer)), newer]));
    const again = bodyOf(encodeTableConfiguration(decodeTableConfiguration(encoded)));
    expect(again.schema.color).toBe('blue');
  });

  it('is refused with another checksum', () => {
    const encoded = encodeTableConfiguration(streaming)
      .toString()
      .replace('NEW_IMAGE', 'OLD_IMAGE');
    expect(() => decodeTableConfiguration(Buffer.from(encoded))).toThrow('checksum');
  });
});
