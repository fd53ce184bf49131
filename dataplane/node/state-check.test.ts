import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { encodeCheckedNumber } from '../partition/checked-number.ts';
import { metaKey, metaNames, spaces } from '../partition/key-space.ts';
import { schemaOf } from '../partition/schema.fixture.ts';
import {
  absent,
  checkOf,
  deleteOf,
  executeOf,
  prepareOf,
} from '../partition/transaction.fixture.ts';
import { storageIdBytes } from '../replication/effects-codec.ts';
import { putOf } from '../routing/local-table.fixture.ts';
import { methods } from '../routing/protocol.ts';
import { encodeTableConfiguration } from '../routing/table-configuration.ts';
import { encodeTriggerProgress } from '../trigger/progress-record.ts';
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

  it('may be that of the catalog, whose records have names of their own', () => {
    for (const name of Object.values(metaNames)) expect(name).toBeLessThan(0x10);
    for (const kind of [0x10, 0x13, 0x20]) {
      checkStatePair(Buffer.of(spaces.meta, kind), Buffer.from('{"version":1}'));
    }
  });

  it('does not pass when a byte of a change record, or of its shards, is changed', async () => {
    const schema = schemaOf({ stream: { id: 7, viewType: 'NEW_IMAGE' } });
    const configuration = encodeTableConfiguration(configurationOf(schema, { version: 2 }));
    await test.call(methods.configure, { partitionId: 1n, configuration });
    await test.write(putOf({ ...key(2), text: { S: 'more text' } }, schema));
    const ofStreams = (await pairs()).filter(
      ([name]) =>
        name[0] === spaces.stream || (name[0] === spaces.meta && name[1] === metaNames.shards),
    );
    expect(ofStreams).toHaveLength(2);
    for (const [name, value] of ofStreams) {
      checkStatePair(name, value);
      for (let at = 0; at < value.length; at += 3) {
        const damaged = Buffer.from(value);
        damaged[at] = (damaged[at] ?? 0) ^ 0x01;
        expect(() => checkStatePair(name, damaged)).toThrow();
      }
    }
  });

  it('does not pass when a byte of a mark, or of what a ledger knows, is changed', async () => {
    const commands = [putOf(key(2), indexedSchema), checkOf(3, absent)];
    await test.transact(prepareOf('t', commands));
    await test.transact(executeOf('u', [deleteOf(1)]));
    const ofTransactions = (await pairs()).filter(
      ([name, value]) => name[0] === spaces.transaction && value.length > 0,
    );
    expect(ofTransactions).toHaveLength(3);
    for (const [name, value] of ofTransactions) {
      checkStatePair(name, value);
      for (let at = 0; at < value.length; at += 3) {
        const damaged = Buffer.from(value);
        damaged[at] = (damaged[at] ?? 0) ^ 0x01;
        expect(() => checkStatePair(name, damaged)).toThrow();
      }
    }
  });

  it.each(['collection', 'fed', 'deleted'] as const)(
    'does not pass with another number: %s',
    (name) => {
      const full = metaKey(1n, name, Buffer.alloc(16));
      const value = encodeCheckedNumber(7);
      const names = full.subarray(STORAGE_ID_BYTES);
      checkStatePair(names, value);
      value[7] = 8;
      expect(() => checkStatePair(names, value)).toThrow('checksum');
    },
  );

  it('does not pass with another progress of a trigger', () => {
    const names = metaKey(1n, 'trigger', Buffer.from('audit')).subarray(STORAGE_ID_BYTES);
    const value = encodeTriggerProgress({ triggerId: 1, streamId: 2, next: 3 });
    checkStatePair(names, value);
    value[value.length - 1] = 4;
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
