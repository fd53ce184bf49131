import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { encodeCheckedNumber } from '../partition/checked-number.ts';
import { metaKey } from '../partition/key-space.ts';
import { storageIdBytes } from '../replication/effects-codec.ts';
import { putOf } from '../routing/local-table.fixture.ts';
import { configurationOf, indexedSchema, key, TestNode } from './node.fixture.ts';
import { checkStatePair } from './state-check.ts';
import { encodeWorkCursor } from './work-cursor.ts';

const STORAGE_ID_BYTES = 8;

describe('a state that is to be sent to another node', () => {
  let test: TestNode;
  beforeEach(async () => {
    test = await TestNode.start();
    await test.create(configurationOf(indexedSchema));
    await test.write(putOf({ ...key(1), g: { S: 'x' }, text: { S: 'some text' } }, indexedSchema));
  });
  afterEach(() => test.close());

  async function pairs(): Promise<readonly (readonly [Buffer, Buffer])[]> {
    const { storageId } = test.replica();
    const range = { start: storageIdBytes(storageId), end: storageIdBytes(storageId + 1n) };
    const iterator = test.host.store.iterate({ ...range, reverse: false, limit: undefined });
    try {
      return (await iterator.next(100)).map(([full, value]) => [
        full.subarray(STORAGE_ID_BYTES),
        value,
      ]);
    } finally {
      await iterator.close();
    }
  }

  it('passes as it was written', async () => {
    for (const [name, value] of await pairs()) checkStatePair(name, value);
  });

  it('does not pass when a byte of an item, counters, the configuration or a request is changed', async () => {
    const checked = (await pairs()).filter(([name, value]) => {
      const isOfMeta =
        name[0] === 0x07 && ![0x01, 0x02, 0x04, 0x05, 0x06, 0x07].includes(name[1] ?? 0);
      return value.length > 0 && !isOfMeta;
    });
    expect(new Set(checked.map(([name]) => name[0]))).toContain(0x01);
    expect(checked.length).toBeGreaterThanOrEqual(4);
    for (const [name, value] of checked) {
      const damaged = Buffer.from(value);
      const at = value.length - 4;
      damaged[at] = (damaged[at] ?? 0) ^ 0x01;
      expect(() => checkStatePair(name, damaged)).toThrow();
    }
  });

  it.each(['collection', 'fed'] as const)('does not pass with another number: %s', (name) => {
    const full = metaKey(1n, name, Buffer.alloc(16));
    const value = encodeCheckedNumber(7);
    const names = full.subarray(STORAGE_ID_BYTES);
    checkStatePair(names, value);
    value[7] = 8;
    expect(() => checkStatePair(names, value)).toThrow('checksum');
  });

  it.each(['backfill', 'expiryRebuild'] as const)(
    'does not pass with another cursor: %s',
    (name) => {
      const names = metaKey(1n, name).subarray(STORAGE_ID_BYTES);
      const value = encodeWorkCursor({ isWalked: false, purpose: 3, lastKey: Buffer.from('key') });
      checkStatePair(names, value);
      value[8] = 1;
      expect(() => checkStatePair(names, value)).toThrow('checksum');
    },
  );
});
