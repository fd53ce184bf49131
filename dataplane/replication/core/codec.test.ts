import fc from 'fast-check';
import { beforeAll, expect, it } from 'vitest';
import type { EntryMeta, NewCore } from './consensus-core.ts';
import { FieldReader, FieldWriter, MalformedMessage } from './field-bytes.ts';
import { LIMITS, NO_CONF } from './replica.fixture.ts';
import { readConfState, readEntryList, writeConfState, writeEntryList } from './shared-fields.ts';
import { loadCore } from './wasm-core.ts';

const seed = Number(process.env.TRESTLE_SEED ?? Date.now() % 1_000_000);
const options = { seed, numRuns: 300 };

let newCore: NewCore;
beforeAll(async () => {
  newCore = await loadCore();
});

const u32 = fc.integer({ min: 0, max: 2 ** 32 - 1 });
const u64 = fc.maxSafeNat();
const ids = fc.array(fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }), { maxLength: 5 });

const normal = fc.record({
  kind: fc.constant('normal' as const),
  token: fc.integer({ min: 1, max: 2 ** 32 - 1 }),
  payloadBytes: u32,
});
const empty = fc.constant({ kind: 'empty' as const, token: 0, payloadBytes: 0 });
const start = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER - 1000 });

/** Entries as in a log: indexes follow, terms do not fall. */
const log = fc
  .tuple(start, start, fc.array(fc.tuple(fc.oneof(normal, empty), fc.nat({ max: 2 }))))
  .map(([index, term, members]) => {
    let last = term;
    const entries: EntryMeta[] = members.map(([member, rise], i) => {
      last += rise;
      return { ...member, index: index + 1 + i, term: last, data: undefined, context: undefined };
    });
    return { start: { index, term }, entries, lastTerm: last };
  });

it(`fields: what is written is read again, up to 2^53 - 1 (seed ${seed})`, () => {
  const field = fc.oneof(
    fc.record({ type: fc.constant('u32' as const), value: u32 }),
    fc.record({ type: fc.constant('u64' as const), value: u64 }),
    fc.record({ type: fc.constant('u8' as const), value: fc.nat({ max: 255 }) }),
  );
  const writer = new FieldWriter();
  fc.assert(
    fc.property(fc.array(field), (fields) => {
      writer.reset();
      for (const { type, value } of fields) writer[type](value);
      const reader = new FieldReader(writer.written());
      expect(fields.map(({ type }) => reader[type]())).toEqual(fields.map(({ value }) => value));
      expect(reader.isAtEnd).toBe(true);
      expect(() => reader.u8()).toThrow(MalformedMessage);
    }),
    options,
  );
});

it('fields: numbers that do not fit are refused on both sides', () => {
  const writer = new FieldWriter();
  for (const value of [-1, 0.5, 2 ** 32, Number.NaN]) {
    expect(() => writer.u32(value)).toThrow(RangeError);
  }
  for (const value of [-1, 0.5, 2 ** 53, Number.NaN]) {
    expect(() => writer.u64(value)).toThrow(RangeError);
  }
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, 2n ** 53n, true);
  expect(() => new FieldReader(bytes).u64()).toThrow(MalformedMessage);
});

it('fields: a large buffer is let go, a small one is used again', () => {
  const writer = new FieldWriter();
  writer.bytes(new Uint8Array(2 ** 21).fill(7));
  expect(writer.written().at(-1)).toBe(7);
  writer.reset();
  expect(writer.written().buffer.byteLength).toBeLessThan(2 ** 20);
});

it(`configurations and entries: what is written is read again (seed ${seed})`, () => {
  const conf = fc.record({
    voters: ids,
    learners: ids,
    votersOutgoing: ids,
    learnersNext: ids,
    autoLeave: fc.boolean(),
  });
  fc.assert(
    fc.property(conf, log, (written, { entries }) => {
      const writer = new FieldWriter();
      writeConfState(writer, written);
      writeEntryList(writer, entries);
      const reader = new FieldReader(writer.written());
      expect(readConfState(reader)).toEqual(written);
      expect(readEntryList(reader, false)).toEqual(entries);
      expect(reader.isAtEnd).toBe(true);
    }),
    options,
  );
});

it('entries: a gap in their indexes is refused', () => {
  const entry = { term: 1, kind: 'empty', token: 0, payloadBytes: 0 } as const;
  const nothing = { data: undefined, context: undefined };
  const entries = [2, 4].map((index) => ({ ...entry, ...nothing, index }));
  expect(() => writeEntryList(new FieldWriter(), entries)).toThrow(RangeError);
});

it(`core: the log handed in comes back as it was, for applying (seed ${seed})`, () => {
  const core = newCore(() => 4);
  let group = 0;
  fc.assert(
    fc.property(log, (given) => {
      group += 1;
      const config = {
        ...LIMITS,
        replicaId: 1,
        applied: given.start.index,
        hardState: {
          term: given.lastTerm,
          vote: 1,
          commit: given.start.index + given.entries.length,
        },
        logStart: given.start,
        entries: given.entries,
        conf: { ...NO_CONF, voters: [1] },
      };
      const records = core.send([
        { op: 'create', group, config },
        { op: 'status', group },
      ]);
      expect(records.flatMap((each) => (each.kind === 'apply' ? each.entries : []))).toEqual(
        given.entries,
      );
      expect(records.at(-1)).toMatchObject({
        status: {
          term: given.lastTerm,
          firstIndex: given.start.index + 1,
          lastIndex: given.start.index + given.entries.length,
        },
      });
      core.send([{ op: 'destroy', group }]);
    }),
    options,
  );
});
