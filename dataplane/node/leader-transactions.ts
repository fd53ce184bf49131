import { ClientFault } from '../errors/client-fault.ts';
import type { Capacity } from '../partition/command.ts';
import type { CompiledSchema } from '../partition/compiled-schema.ts';
import { ownsItemKey } from '../partition/key-range.ts';
import type { Partition } from '../partition/partition.ts';
import type { AnsweredCall, TransactionCall } from '../partition/transaction.ts';
import type { CallTime, TransactAnswer, TransactCall } from '../routing/protocol.ts';
import { admitAll, admitUnlessExhausted } from '../routing/transaction-admission.ts';
import {
  decodeTransactionCall,
  encodeTransactionAnswer,
  transactionCallBytes,
  type WireTransactionCall,
} from '../routing/wire-transaction.ts';
import { failure, overloaded } from './failures.ts';
import type { IndexFeeds } from './index-feeds.ts';
import type { Leadership } from './leadership.ts';
import type { LoadGate } from './load-gate.ts';
import type { PartitionMetrics } from './metrics.ts';
import type { NodeContext } from './node-context.ts';

/** What the leader of a partition lends to its part in transactions. */
export interface LeaderTransactionsParts {
  readonly node: NodeContext;
  readonly leadership: Leadership;
  readonly partition: Partition;
  readonly feeds: IndexFeeds;
  readonly gate: LoadGate;
  readonly metrics: PartitionMetrics;
  readonly compiled: () => CompiledSchema;
  /** No more can be taken on, whatever the gate says; or what is under way cannot be gone on with. */
  readonly isAtBound: (call: 'new' | 'under way') => boolean;
  /** @throws RemoteFailure when the leader cannot evaluate anything, also by rejecting */
  readonly ready: () => Promise<void> | undefined;
  /** @throws RemoteFailure for a call that was sent too long ago */
  readonly assertInTime: (time: CallTime) => void;
  /** What a write is refused with that would change an index without write units. */
  readonly indexFault: (name: string) => ClientFault;
  /** What the caller is told of an error of the layers below. */
  readonly refusal: (error: unknown, mayBeDone: boolean) => unknown;
}

/** What a call takes up beside its commands. */
const CALL_OVERHEAD_BYTES = 512;

/**
 * Transactions at the leader of one of their partitions. An answer that was decided on local state is
 * told only after leadership is confirmed; every other one when what it did is committed.
 */
export class LeaderTransactions {
  readonly #parts: LeaderTransactionsParts;

  constructor(parts: LeaderTransactionsParts) {
    this.#parts = parts;
  }

  /** Transactions here that wait for somebody to finish them. */
  get stalledCount(): number {
    return this.#parts.partition.transactions.stalledCount;
  }

  /** @throws RemoteFailure */
  async do([, , time, encoded]: TransactCall): Promise<TransactAnswer> {
    const { gate, metrics, assertInTime } = this.#parts;
    assertInTime(time);
    // A router of this cluster has made it.
    const wire = encoded as WireTransactionCall;
    const bytes = transactionCallBytes(wire) + CALL_OVERHEAD_BYTES;
    metrics.transactionCalls += 1;
    if (this.#isAtBound(wire) || !gate.enter(bytes)) {
      metrics.shed += 1;
      throw overloaded('transactions');
    }
    try {
      return await this.#do(decodeTransactionCall(wire), time);
    } finally {
      gate.leave(bytes);
    }
  }

  #isAtBound({ kind }: WireTransactionCall): boolean {
    const { isAtBound } = this.#parts;
    if (kind === 'read' || kind === 'stalled') return false;
    const isNew = kind === 'prepare' || kind === 'execute' || kind === 'claim';
    return isAtBound(isNew ? 'new' : 'under way');
  }

  async #do(call: TransactionCall, time: CallTime): Promise<TransactAnswer> {
    const { leadership, partition, refusal, node, ready } = this.#parts;
    await ready();
    if (call.kind === 'prepare' || call.kind === 'execute') await this.#waitForRoom(time);
    this.#assertOwned(call);
    const mayBeDone = call.kind !== 'read' && call.kind !== 'stalled';
    try {
      const { answer, isCommitted } = await partition.transactions.do(call, this.#admitFor(call));
      if (!isCommitted) await leadership.confirm();
      // An answer is of its call's kind.
      const answered = { kind: call.kind, answer } as AnsweredCall;
      this.#count(answered);
      return [encodeTransactionAnswer(answered), node.scheduler.monotonicMs()];
    } catch (error) {
      if (error instanceof ClientFault) await leadership.confirm();
      throw refusal(error, mayBeDone);
    }
  }

  async #waitForRoom(time: CallTime): Promise<void> {
    const { feeds, node, metrics, leadership, assertInTime } = this.#parts;
    if (!feeds.isFull) return;
    const hasRoom = await feeds.room(node.limits.roomMsMax);
    if (!hasRoom) metrics.shed += 1;
    if (!hasRoom) throw failure('overloaded', 'a global index is too far behind');
    leadership.assertLive();
    assertInTime(time);
  }

  #admitFor(call: TransactionCall): (capacity: Capacity) => void {
    if (call.kind !== 'prepare' && call.kind !== 'execute') return admitAll;
    return admitUnlessExhausted(call.exhaustedIndexes, this.#parts.indexFault);
  }

  /** @throws RemoteFailure */
  #assertOwned(call: TransactionCall): void {
    const { partition, leadership, compiled } = this.#parts;
    const schema = compiled();
    for (const key of keysOf(call)) {
      if (ownsItemKey(partition.range, schema.itemKey(key))) continue;
      const { partitionId } = leadership.replica;
      throw failure('noReplica', `an item is not in partition ${partitionId}`);
    }
  }

  #count({ kind, answer }: AnsweredCall): void {
    const { metrics } = this.#parts;
    if (kind !== 'prepare' && kind !== 'execute') return;
    if (!('outcomes' in answer)) return;
    for (const outcome of answer.outcomes) {
      if (outcome.kind === 'conflict') metrics.transactionConflicts += 1;
      else if (outcome.kind === 'accepted') metrics.writeUnits += 2 * outcome.capacity.table;
      else if (outcome.kind === 'conditionFailed') metrics.writeUnits += outcome.capacity.table;
    }
  }
}

function keysOf(call: TransactionCall) {
  switch (call.kind) {
    case 'prepare':
    case 'execute':
      return call.commands.map(({ key }) => key);
    case 'read':
      return call.keys;
    default:
      return [];
  }
}
