import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MalformedBytes } from './byte-reader.ts';
import { crc32c } from './crc32c.ts';
import { type LogFile, readLogFile } from './log-file.ts';

/** Sizes around the limits of a block of 32,768 bytes and its headers of 7. */
const someRecords = fc.array(
  fc
    .tuple(
      fc.oneof(
        fc.integer({ min: 1, max: 300 }),
        fc.integer({ min: 32_700, max: 32_800 }),
        fc.constant(66_000),
      ),
      fc.integer({ min: 1, max: 255 }),
    )
    .map(([length, byte]) => Buffer.alloc(length, byte)),
  { minLength: 1, maxLength: 5 },
);

describe('readLogFile', () => {
  it('reads back what was written', () => {
    fc.assert(
      fc.property(someRecords, (records) => {
        expectRecords(readLogFile(logOf(records)), records, false);
      }),
    );
  });

  it('an empty file has no records', () => {
    expect(readLogFile(Buffer.alloc(0))).toEqual({ records: [], isTorn: false });
  });

  it('a file cut off anywhere holds the records before the cut', () => {
    fc.assert(
      fc.property(someRecords, fc.double({ min: 0, max: 1, noNaN: true }), (records, part) => {
        const whole = logOf(records);
        const cut = readLogFile(whole.subarray(0, Math.floor(part * whole.length)));
        expectRecords(cut, records.slice(0, cut.records.length), cut.isTorn);
      }),
      { numRuns: 300 },
    );
  });

  it('zeros behind the last record are an interrupted write', () => {
    const records = [Buffer.alloc(100, 1), Buffer.alloc(40_000, 2)];
    const bytes = Buffer.concat([logOf(records), Buffer.alloc(70_000)]);
    expectRecords(readLogFile(bytes), records, true);
  });

  it('sectors of the last record that were never written are an interrupted write', () => {
    const records = [Buffer.alloc(100, 1), Buffer.alloc(90_000, 2)];
    const sectors = Math.floor(logOf(records).length / 512);
    fc.assert(
      fc.property(fc.integer({ min: 1, max: sectors }), (sector) => {
        const bytes = logOf(records);
        bytes.subarray(sector * 512, (sector + 1) * 512).fill(0);
        expectRecords(readLogFile(bytes), records.slice(0, 1), true);
      }),
    );
  });

  it('a changed bit anywhere is refused or changes nothing', () => {
    fc.assert(
      fc.property(someRecords, fc.nat(), fc.nat(7), (records, position, bit) => {
        const bytes = logOf(records);
        const at = position % bytes.length;
        bytes[at] = (bytes[at] ?? 0) ^ (1 << bit);
        try {
          expectRecords(readLogFile(bytes), records, false);
        } catch (error) {
          expect(error).toBeInstanceOf(MalformedBytes);
        }
      }),
      { numRuns: 1_000 },
    );
  });

  it('a record that lost its sectors is refused if another record follows', () => {
    const bytes = logOf([Buffer.alloc(5_000, 1), Buffer.alloc(100, 2)]);
    bytes.fill(0, 512, 1_024);
    expect(() => readLogFile(bytes)).toThrow(
      'record at offset 0 is bad, a good one follows at 5007',
    );
  });

  it('fragments out of order are refused', () => {
    expect(() => readLogFile(physical(4, Buffer.from('x')))).toThrow('out of order');
    const twice = Buffer.concat([physical(2, Buffer.from('x')), physical(1, Buffer.from('y'))]);
    expect(() => readLogFile(twice)).toThrow('out of order');
  });
});

/** Compares by Buffer.equals: toEqual takes seconds for megabytes. */
function expectRecords(log: LogFile, records: readonly Buffer[], isTorn: boolean): void {
  expect(log.isTorn).toBe(isTorn);
  expect(log.records.length).toBe(records.length);
  expect(log.records.every((record, index) => records[index]?.equals(record))).toBe(true);
}

/** Writes records as LevelDB's db/log_writer.cc does. */
function logOf(records: readonly Buffer[]): Buffer {
  const parts: Buffer[] = [];
  let at = 0;
  const append = (part: Buffer) => {
    parts.push(part);
    at += part.length;
  };
  for (const record of records) {
    let written = 0;
    let isFirst = true;
    do {
      if (32_768 - (at % 32_768) < 7) {
        append(Buffer.alloc(32_768 - (at % 32_768)));
      }
      const room = 32_768 - (at % 32_768) - 7;
      const fragment = record.subarray(written, written + room);
      written += fragment.length;
      const isLast = written === record.length;
      append(physical(isFirst ? (isLast ? 1 : 2) : isLast ? 4 : 3, fragment));
      isFirst = false;
    } while (written < record.length);
  }
  return Buffer.concat(parts);
}

function physical(type: number, payload: Buffer): Buffer {
  const record = Buffer.concat([Buffer.alloc(7), payload]);
  record.writeUInt16LE(payload.length, 4);
  record.writeUInt8(type, 6);
  const crc = crc32c(record, 6, record.length);
  record.writeUInt32LE(((((crc >>> 15) | (crc << 17)) >>> 0) + 0xa282ead8) >>> 0, 0);
  return record;
}
