import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MemoryStore } from '../storage/memory-store.ts';
import { configurationEffect, emptyConf, placeEffect, readApplied } from './applied-record.ts';
import { RecordDamaged } from './checked-record.ts';
import type { EntryMeta } from './core/consensus-core.ts';
import { decodeEffects, encodeEffects, keyUnder, storageIdBytes } from './effects-codec.ts';
import { decodeEntry, encodeEntry } from './entry-record.ts';
import { LogKeys, storageCounterKey } from './log-keys.ts';
import { foundingConfiguration } from './membership-change.ts';
import {
  decodeHardState,
  decodeLogPlace,
  decodeReplica,
  decodeStorageCounter,
  encodeHardState,
  encodeLogPlace,
  encodeReplica,
  encodeStorageCounter,
} from './replica-records.ts';

const uint53 = fc.maxSafeNat();
const bytes = (max: number) => fc.uint8Array({ maxLength: max }).map((of) => Buffer.from(of));
const keys = new LogKeys(7n);

const entry: fc.Arbitrary<EntryMeta & { readonly payload: Buffer }> = fc
  .record({
    index: uint53,
    term: uint53,
    kind: fc.constantFrom('normal' as const, 'empty' as const, 'conf' as const),
    token: fc.nat({ max: 2 ** 32 - 1 }),
    payload: bytes(300),
  })
  .map((of) => ({
    ...of,
    payload: of.kind === 'normal' ? of.payload : Buffer.alloc(0),
    payloadBytes: of.kind === 'normal' ? of.payload.length : 0,
    data: of.kind === 'conf' ? of.payload : undefined,
    context: undefined,
  }));

describe('records of replication', () => {
  it('entries come back as they were', () => {
    fc.assert(
      fc.property(entry, ({ payload, ...meta }) => {
        const key = keys.entry(meta.index);
        const record = encodeEntry(key, meta, meta.data ?? payload);
        expect(decodeEntry(key, meta.index, record)).toEqual({ meta, payload });
      }),
    );
  });

  it('a changed bit, another key or a cut record is noticed', () => {
    fc.assert(
      fc.property(entry, uint53, fc.nat(), ({ payload, ...meta }, other, at) => {
        const key = keys.entry(meta.index);
        const record = encodeEntry(key, meta, meta.data ?? payload);
        const flipped = Buffer.from(record);
        const bit = at % (record.length * 8);
        flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        expect(() => decodeEntry(key, meta.index, flipped)).toThrow(RecordDamaged);
        expect(() => decodeEntry(key, meta.index, record.subarray(0, -1))).toThrow(RecordDamaged);
        expect(() => decodeEntry(key, meta.index, undefined)).toThrow(RecordDamaged);
        if (other === meta.index) return;
        expect(() => decodeEntry(keys.entry(other), other, record)).toThrow(RecordDamaged);
      }),
    );
  });

  it('effects come back under another storage id', () => {
    const effect = fc.record({
      key: fc.uint8Array({ minLength: 1, maxLength: 40 }),
      value: fc.option(bytes(100), { nil: undefined }),
    });
    fc.assert(
      fc.property(fc.array(effect, { maxLength: 8 }), (effects) => {
        const under = (id: bigint) =>
          effects.map(({ key, value }) => ({ key: keyUnder(storageIdBytes(id), key), value }));
        const decoded = decodeEffects(encodeEffects(under(1n)), storageIdBytes(2n ** 63n));
        expect(decoded).toEqual(under(2n ** 63n));
      }),
    );
  });

  it('what is no payload is refused', () => {
    const payload = encodeEffects([{ key: Buffer.alloc(12, 1), value: Buffer.from('value') }]);
    for (let length = 0; length < payload.length; length += 1) {
      expect(() => decodeEffects(payload.subarray(0, length), storageIdBytes(1n))).toThrow(
        RecordDamaged,
      );
    }
    const longer = Buffer.concat([payload, Buffer.of(0)]);
    expect(() => decodeEffects(longer, storageIdBytes(1n))).toThrow(RecordDamaged);
  });

  it('small records come back as they were', () => {
    fc.assert(
      fc.property(uint53, uint53, uint53, (term, vote, commit) => {
        const hardState = { term, vote, commit };
        const written = encodeHardState(keys.hardState, hardState);
        expect(decodeHardState(keys.hardState, written)).toEqual(hardState);
        const place = { index: vote, term };
        const start = encodeLogPlace(keys.logStart, place);
        expect(decodeLogPlace(keys.logStart, start)).toEqual(place);
        expect(() => decodeLogPlace(keys.hardState, start)).toThrow(RecordDamaged);
        for (const replica of [
          { state: 'dropped', replicaId: vote } as const,
          {
            state: 'active',
            replicaId: vote,
            storageId: 2n ** 63n + BigInt(commit),
            founders: [{ replicaId: 1, node: 'a', kind: 'voter' }],
          } as const,
        ]) {
          const record = encodeReplica(keys.replica, replica);
          expect(decodeReplica(keys.replica, record)).toEqual(replica);
        }
      }),
    );
    expect(decodeStorageCounter(encodeStorageCounter(2n ** 63n + 5n))).toBe(2n ** 63n + 5n);
    expect(decodeStorageCounter(storageCounterKey)).toBeUndefined();
  });

  it('an applied record is readable under any storage id, as a snapshot brings it', async () => {
    const store = await MemoryStore.open();
    const configuration = foundingConfiguration([{ replicaId: 3, node: 'a', kind: 'voter' }]);
    const place = { index: 17, term: 4 };
    const from = 2n ** 63n;
    const to = from + 9n;
    const effects = [placeEffect(from, place), configurationEffect(from, configuration)];
    await store.commit(
      effects.map(({ key, value }) => ({
        key: keyUnder(storageIdBytes(to), key.subarray(8)),
        value,
      })),
    );
    expect(readApplied(store, to)).toEqual({ place, configuration });
    expect(() => readApplied(store, from)).toThrow(RecordDamaged);
    expect(configuration.conf).toEqual({ ...emptyConf, voters: [3] });
    await store.close();
  });
});
