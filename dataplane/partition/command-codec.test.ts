import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { conditions, updates } from '../expression/expression.arbitrary.ts';
import {
  arbitraryItem,
  arbitraryKeyValue,
  arbitraryName,
} from '../item/attribute-value.arbitrary.ts';
import { type Item, setAttribute } from '../item/attribute-value.ts';
import { itemBytes } from '../item/size.ts';
import { decodeCommand, decodeWriteCommand, encodeCommand } from './command-codec.ts';
import { StoredItem } from './record.ts';
import type { TransactionCommand } from './transaction.ts';

/** fast-check prints the seed of a failure. */
const RUNS = 300;

const arbitraryKey: fc.Arbitrary<Item> = fc
  .uniqueArray(fc.tuple(arbitraryName, arbitraryKeyValue), {
    minLength: 1,
    maxLength: 2,
    selector: ([name]) => name,
  })
  .map((members) => {
    const key: Item = {};
    for (const [name, value] of members) setAttribute(key, name, value);
    return key;
  });

const common = { key: arbitraryKey, condition: fc.option(conditions, { nil: undefined }) };
const commands: fc.Arbitrary<TransactionCommand> = fc.oneof(
  fc.record({ kind: fc.constant('put' as const), ...common, item: arbitraryItem }).map((put) => ({
    ...put,
    itemBytes: itemBytes(put.item),
  })),
  fc.record(
    {
      kind: fc.constant('update' as const),
      ...common,
      update: updates,
      keepsAbsent: fc.boolean(),
    },
    { requiredKeys: ['kind', 'key', 'condition', 'update'] },
  ),
  fc.record({ kind: fc.constant('delete' as const), ...common }),
  fc.record({ kind: fc.constant('check' as const), key: arbitraryKey, condition: conditions }),
);

/** The members of a command as plain data, with those of a class's getters. */
function plain(command: TransactionCommand): unknown {
  if (command.kind !== 'put') return command;
  const { kind, key, condition, item, itemBytes: bytes } = command;
  return { kind, key, condition, item, itemBytes: bytes };
}

describe('a command as bytes', () => {
  it('comes back as it was', () => {
    fc.assert(
      fc.property(commands, (command) => {
        const decoded = decodeCommand(encodeCommand(command));
        // Not strictly: the generator's objects have no prototype.
        expect(plain(decoded)).toEqual(plain(command));
        expect(Object.hasOwn(decoded, 'keepsAbsent')).toBe(Object.hasOwn(command, 'keepsAbsent'));
      }),
      { numRuns: RUNS },
    );
  });

  it('is the same bytes when it is passed on', () => {
    fc.assert(
      fc.property(commands, (command) => {
        const encoded = encodeCommand(command);
        expect(encodeCommand(decodeCommand(encoded))).toEqual(encoded);
      }),
      { numRuns: RUNS },
    );
  });

  it('makes the record that the item itself makes', () => {
    fc.assert(
      fc.property(arbitraryItem, (item) => {
        const put = { kind: 'put', key: item, item, itemBytes: itemBytes(item) } as const;
        const decoded = decodeCommand(encodeCommand({ ...put, condition: undefined }));
        if (decoded.kind !== 'put' || decoded.json === undefined) throw new Error('a put of bytes');
        const stamp = { version: 7, writtenMicros: 1e15 };
        const ofJson = StoredItem.ofJson(decoded.json, decoded.itemBytes, stamp);
        expect(ofJson.record).toEqual(StoredItem.of(item, put.itemBytes, stamp).record);
        expect(ofJson.item).toEqual(item);
      }),
      { numRuns: RUNS },
    );
  });

  it('is no single write when it is a check', () => {
    const condition = { kind: 'exists', path: ['p'], negated: false } as const;
    const check = encodeCommand({ kind: 'check', key: { p: { S: 'a' } }, condition });
    expect(() => decodeWriteCommand(check)).toThrow(RangeError);
  });

  it('is refused when it is cut off or unknown', () => {
    const encoded = encodeCommand({
      kind: 'delete',
      key: { p: { S: 'a' } },
      condition: undefined,
    });
    expect(() => decodeCommand(encoded.subarray(0, 10))).toThrow(RangeError);
    expect(() => decodeCommand(encoded.subarray(0, 3))).toThrow(RangeError);
    for (const at of [0, 1]) {
      const changed = Buffer.from(encoded);
      changed[at] = 99;
      expect(() => decodeCommand(changed)).toThrow(RangeError);
    }
  });
});
