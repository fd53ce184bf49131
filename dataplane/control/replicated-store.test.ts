import { describe, expect, it } from 'vitest';
import { joinKey, partitionRange } from '../partition/key-space.ts';
import { ProposalError } from '../replication/replica.ts';
import { MemoryStore } from '../storage/memory-store.ts';
import { describeStoreContract } from '../storage/store.contract.ts';
import { type Store, StoreError } from '../storage/store.ts';
import { FakeReplica0 } from './fake-replica.fixture.ts';
import { ReplicatedStore } from './replicated-store.ts';

const prefix = partitionRange(0n).start;

/** The store of partition 0 as one of keys of any kind: they are put behind the partition's id. */
function withAnyKeys(store: Store): Store {
  const inner = (key: Uint8Array) => joinKey(prefix, key);
  return {
    get: (key) => store.get(inner(key)),
    commit: (effects, options) =>
      store.commit(
        effects.map(({ key, value }) => ({ key: inner(key), value })),
        options,
      ),
    iterate: (range) => {
      const iterator = store.iterate({
        ...range,
        start: inner(range.start),
        end: inner(range.end),
      });
      return {
        next: async (count) =>
          (await iterator.next(count)).map(([key, value]) => [key.subarray(prefix.length), value]),
        close: () => iterator.close(),
      };
    },
    snapshot: () => {
      const snapshot = store.snapshot();
      // The iterator is to know it as its own.
      return Object.assign(Object.create(snapshot), {
        get: (key: Uint8Array) => snapshot.get(inner(key)),
        close: () => snapshot.close(),
      });
    },
    clear: (start, end, signal) => store.clear(inner(start), inner(end), signal),
    approximateBytes: (start, end) => store.approximateBytes(inner(start), inner(end)),
    get writesRefused() {
      return store.writesRefused;
    },
    onReopened: (recover) => store.onReopened(recover),
    close: () => store.close(),
  };
}

async function replicated() {
  const nodeStore = await MemoryStore.open();
  const replica = new FakeReplica0(nodeStore);
  return { nodeStore, replica, store: new ReplicatedStore(replica, nodeStore) };
}

describeStoreContract('replicated store', async () => {
  const { store, nodeStore } = await replicated();
  return {
    store: withAnyKeys(store),
    dispose: async () => {
      await store.close();
      await nodeStore.close();
    },
  };
});

describe('replicated store', () => {
  const key = joinKey(prefix, Buffer.from('k'));
  const value = Buffer.from('v');

  it('keeps keys under the storage id of the replica', async () => {
    const { store, nodeStore, replica } = await replicated();
    await store.commit([{ key, value }]);
    const stored = joinKey(partitionRange(replica.storageId).start, Buffer.from('k'));
    expect(nodeStore.get(stored)).toEqual(value);
    expect(nodeStore.get(key)).toBeUndefined();
  });

  it('iterate: shows nothing of other partitions, whatever the bounds', async () => {
    const { store, nodeStore, replica } = await replicated();
    const { start, end } = partitionRange(replica.storageId);
    await nodeStore.commit([
      { key: joinKey(partitionRange(replica.storageId - 1n).start, Buffer.of(255)), value },
      { key: start, value },
      { key: end, value },
    ]);
    const all = {
      start: Buffer.of(),
      end: Buffer.alloc(9, 0xff),
      reverse: false,
      limit: undefined,
    };
    expect(await store.iterate(all).next(10)).toEqual([[prefix, value]]);
  });

  it('refuses keys of other partitions', async () => {
    const { store } = await replicated();
    expect(() => store.get(partitionRange(1n).start)).toThrow(RangeError);
    await expect(store.commit([{ key: Buffer.of(0), value }])).rejects.toThrow(RangeError);
  });

  it('commit: a proposal that fails is a failure of the disk, and says why', async () => {
    const { store, replica } = await replicated();
    replica.refusal = new ProposalError('dropped', 'too much waits');
    await expect(store.commit([{ key, value }])).rejects.toMatchObject({
      code: 'io',
      cause: { code: 'dropped' },
    });
  });

  it('lose: nothing is read or written any more, even if the replica leads again', async () => {
    const { store } = await replicated();
    await store.commit([{ key, value }]);
    store.lose();
    expect(store.writesRefused).toBeInstanceOf(StoreError);
    expect(() => store.get(key)).toThrow(expect.objectContaining({ code: 'closed' }));
    expect(() => store.snapshot()).toThrow(expect.objectContaining({ code: 'closed' }));
    await expect(store.commit([{ key, value }])).rejects.toMatchObject({ code: 'closed' });
  });
});
