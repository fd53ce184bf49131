import { describe, expect, it } from 'vitest';
import { LogKeys } from '../replication/log-keys.ts';
import { FrameWriter } from '../replication/message-frame.ts';
import { RAFT_CHANNEL } from '../replication/message-sender.ts';
import { encodeHardState, encodeReplica } from '../replication/replica-records.ts';
import { MemoryStore } from '../storage/memory-store.ts';
import type { Store } from '../storage/store.ts';
import { RaftWatch } from './raft-watch.ts';

const APPEND = 3;
const VOTE_RESPONSE = 6;

interface Sent {
  readonly type: number;
  readonly from: number;
  readonly to: number;
  readonly term: number;
  readonly isReject?: boolean;
  readonly storeId?: string;
}

function send(watch: RaftWatch, { type, from, to, term, isReject, storeId = 'a/0' }: Sent): void {
  const message = Buffer.alloc(64);
  message[0] = type;
  message[1] = isReject === true ? 1 : 0;
  message.writeBigUInt64LE(BigInt(from), 8);
  message.writeBigUInt64LE(BigInt(to), 16);
  message.writeBigUInt64LE(BigInt(term), 24);
  const frame = new FrameWriter();
  frame.add({ partitionId: 1n, from, to, commit: 0, floor: 0, message, payloads: [] });
  watch.onSend({ id: 'a', role: 'node', storeId }, RAFT_CHANNEL, frame.take());
}

async function storeWith(term: number, vote: number): Promise<Store> {
  const store = await MemoryStore.open();
  const { hardState, replica } = new LogKeys(1n);
  const record = { state: 'active', replicaId: 1, storageId: 2n ** 63n, founders: [] } as const;
  await store.commit([
    { key: hardState, value: encodeHardState(hardState, { term, vote, commit: 0 }) },
    { key: replica, value: encodeReplica(replica, record) },
  ]);
  return store;
}

describe('what is heard of Raft groups', () => {
  it('is in order with a leader and a vote a term', () => {
    const watch = new RaftWatch();
    send(watch, { type: APPEND, from: 1, to: 2, term: 3 });
    send(watch, { type: APPEND, from: 1, to: 3, term: 3 });
    send(watch, { type: APPEND, from: 2, to: 3, term: 4, storeId: 'b/0' });
    send(watch, { type: VOTE_RESPONSE, from: 1, to: 2, term: 4 });
    send(watch, { type: VOTE_RESPONSE, from: 1, to: 3, term: 4, isReject: true });
    expect(watch.violations).toEqual([]);
    expect(watch.leadersCount).toBe(2);
  });

  it('convicts two leaders in a term', () => {
    const watch = new RaftWatch();
    send(watch, { type: APPEND, from: 1, to: 2, term: 3 });
    send(watch, { type: APPEND, from: 2, to: 1, term: 3, storeId: 'b/0' });
    expect(watch.violations).toEqual(['Partition 1 has two leaders in term 3: 1 and 2']);
  });

  it('convicts two votes in a term', () => {
    const watch = new RaftWatch();
    send(watch, { type: VOTE_RESPONSE, from: 1, to: 2, term: 3 });
    send(watch, { type: VOTE_RESPONSE, from: 1, to: 3, term: 3 });
    expect(watch.violations).toEqual(['Replica 1 of partition 1 voted in term 3 for 2 and 3']);
  });

  it('convicts a replica id that is used in two data folders', () => {
    const watch = new RaftWatch();
    send(watch, { type: APPEND, from: 1, to: 2, term: 3 });
    send(watch, { type: APPEND, from: 1, to: 2, term: 3, storeId: 'a/1' });
    expect(watch.violations).toEqual(['Replica 1 of partition 1 is in a/0 and in a/1']);
  });

  it.each([
    [2, 0, 1],
    [3, 0, 1],
    [3, 3, 1],
    [3, 2, 0],
    [4, 0, 0],
  ])('of term 3, vote 2 and a disk of term %i, vote %i: %i violations', async (...of) => {
    const [term, vote, violations] = of;
    const watch = new RaftWatch();
    send(watch, { type: VOTE_RESPONSE, from: 1, to: 2, term: 3 });
    watch.onStart('a/0', await storeWith(term, vote));
    watch.onStart('a/1', await storeWith(0, 0));
    expect(watch.violations).toHaveLength(violations);
  });
});
