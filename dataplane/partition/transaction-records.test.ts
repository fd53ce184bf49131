import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { StoreError } from '../storage/store.ts';
import { decodeLedgerRecord, encodeLedgerRecord, type LedgerRecord } from './ledger-record.ts';
import { decodeMark, encodeMark, type Mark } from './mark-record.ts';
import {
  absent,
  addTo,
  attemptOf,
  checkOf,
  deleteOf,
  idOf,
  itemOf,
  participant,
  putOf,
} from './transaction.fixture.ts';

const T = 1.79e15;

/** Every byte changed in turn, and the record cut off. */
function damages(bytes: Buffer): Buffer[] {
  const changed = Array.from(bytes, (byte, index) => {
    const damaged = Buffer.from(bytes);
    damaged[index] = byte ^ 0x10;
    return damaged;
  });
  return [...changed, bytes.subarray(0, 20), bytes.subarray(0, 0)];
}

function isDamaged(act: () => unknown): boolean {
  try {
    act();
    return false;
  } catch (error) {
    return error instanceof StoreError && error.code === 'damaged';
  }
}

const capacities = fc.record({
  table: fc.nat(),
  localIndexes: fc.array(fc.tuple(fc.string(), fc.nat())).map((units) => new Map(units)),
  globalIndexes: fc.array(fc.tuple(fc.string(), fc.nat())).map((units) => new Map(units)),
});
const outcomes = fc.record({
  kind: fc.constant('accepted' as const),
  capacity: capacities,
  collectionBytes: fc.option(fc.nat(), { nil: undefined }),
});
const places = fc.record({
  tableId: fc.string(),
  tableName: fc.string(),
  partitionId: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
});
const numbers = fc.nat(2 ** 31 - 1);
const ids = (length: { readonly minLength: number; readonly maxLength: number }) =>
  fc.uint8Array(length).map((bytes) => Buffer.from(bytes));

describe('a mark', () => {
  const commands = fc.constantFrom(
    putOf(itemOf(1, 2), absent),
    deleteOf(1),
    addTo(3, absent),
    checkOf(2, absent),
  );
  const marks: fc.Arbitrary<Mark> = fc.record({
    attempt: fc.record({ id: ids({ minLength: 16, maxLength: 16 }), number: numbers }),
    ledger: places,
    command: commands,
    timestampMin: fc.maxSafeNat(),
    markedMs: fc.maxSafeNat(),
    outcome: outcomes,
  });

  it('comes back as it was', () => {
    fc.assert(
      fc.property(marks, (mark) => {
        const { command, ...decoded } = decodeMark(encodeMark(mark));
        const { command: expected, ...rest } = mark;
        expect(decoded).toEqual(rest);
        // Of a put, bytes until someone looks.
        expect(JSON.parse(JSON.stringify({ ...command, item: undefined }))).toMatchObject(
          JSON.parse(JSON.stringify({ ...expected, item: undefined })),
        );
        if (command.kind === 'put') expect(command.item).toEqual(itemOf(1, 2));
      }),
    );
  });

  it('is not read with any byte changed', () => {
    const encoded = encodeMark({
      attempt: attemptOf('t'),
      ledger: participant,
      command: addTo(1),
      timestampMin: T,
      markedMs: T / 1_000,
      outcome: {
        kind: 'accepted',
        capacity: { table: 1, localIndexes: new Map(), globalIndexes: new Map() },
        collectionBytes: undefined,
      },
    });
    expect(damages(encoded).filter((each) => !isDamaged(() => decodeMark(each)))).toEqual([]);
  });
});

describe('a ledger record', () => {
  const records: fc.Arbitrary<LedgerRecord> = fc.record({
    state: fc.constantFrom('claimed', 'committed', 'aborted'),
    attempt: numbers,
    digest: ids({ minLength: 0, maxLength: 64 }),
    runId: ids({ minLength: 0, maxLength: 16 }),
    writtenMs: fc.maxSafeNat(),
    dueMs: fc.maxSafeNat(),
    timestamp: fc.maxSafeNat(),
    participants: fc.array(places, { maxLength: 4 }),
    outcomes: fc.option(fc.array(outcomes, { maxLength: 4 }), { nil: undefined }),
    isOverdue: fc.boolean(),
  });

  it('comes back as it was', () => {
    fc.assert(
      fc.property(records, (record) => {
        expect(decodeLedgerRecord(encodeLedgerRecord(record))).toEqual(record);
      }),
    );
  });

  it('is not read with any byte changed', () => {
    const encoded = encodeLedgerRecord({
      state: 'committed',
      attempt: 2,
      digest: idOf('digest'),
      runId: idOf('run'),
      writtenMs: T / 1_000,
      dueMs: T / 1_000,
      timestamp: T,
      participants: [participant],
      outcomes: undefined,
      isOverdue: false,
    });
    const undetected = damages(encoded).filter(
      (each) => !isDamaged(() => decodeLedgerRecord(each)),
    );
    expect(undetected).toEqual([]);
  });
});
