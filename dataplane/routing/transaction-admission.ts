import type { ClientFault } from '../errors/client-fault.ts';
import { readUnits, tableCapacity } from '../partition/capacity.ts';
import type { Capacity } from '../partition/command.ts';
import { checkUpdatedPaths } from '../partition/key-check.ts';
import type { TableSchema } from '../partition/schema.ts';
import type {
  ActionOutcome,
  AnsweredCall,
  AnswerTo,
  TransactionCall,
} from '../partition/transaction.ts';
import type { Admission } from './admission.ts';

/**
 * What a transaction costs: table's units twice, indexes' once.
 * @see nubo-db/dynoxide tests/transactional_index_consumed_capacity.rs (captures of August 2026)
 */

/**
 * Admits a call, unless nothing is left. Calls that end a transaction, or ask after it, cost nothing.
 * @throws ClientFault
 */
export function admitTransactionCall(
  admission: Admission,
  call: TransactionCall,
  nowMs: number,
): void {
  if (call.kind === 'prepare' || call.kind === 'execute') admission.admitWrite(nowMs);
  else if (call.kind === 'read') admission.admitRead(undefined, nowMs);
}

/** Charges what was done for a call, by its answer. */
export function chargeTransactionCall<Call extends TransactionCall>(
  admission: Admission,
  { kind }: Call,
  answer: AnswerTo<Call>,
  nowMs: number,
): void {
  // A call's kind is that of its answer.
  const answered = { kind, answer } as AnsweredCall;
  switch (answered.kind) {
    case 'prepare':
      chargeActions(admission, answered.answer.outcomes, nowMs);
      return;
    case 'execute':
      if (answered.answer.kind !== 'done' && answered.answer.kind !== 'refused') return;
      chargeActions(admission, answered.answer.outcomes, nowMs);
      return;
    case 'read':
      for (const item of answered.answer.items) {
        const bytes = item.kind === 'item' ? item.bytes : 0;
        const capacity = tableCapacity(readUnits(bytes, { consistentRead: true }));
        admission.chargeRead(capacity, nowMs);
      }
  }
}

/** What partitions of a table cannot check. @throws ClientFault */
export function checkCommands(call: TransactionCall, schema: TableSchema): void {
  if (call.kind !== 'prepare' && call.kind !== 'execute') return;
  for (const command of call.commands) {
    if (command.kind === 'update') checkUpdatedPaths(command.update, schema);
  }
}

/** Refuses writes that would change one of these global indexes. */
export function admitUnlessExhausted(
  exhausted: readonly string[],
  faultOf: (index: string) => ClientFault,
): (capacity: Capacity) => void {
  return ({ globalIndexes }) => {
    if (exhausted.length === 0) return;
    for (const name of globalIndexes.keys()) if (exhausted.includes(name)) throw faultOf(name);
  };
}

/** For calls that are not asked about. */
export const admitAll = (_: Capacity): void => {};

function chargeActions(
  admission: Admission,
  outcomes: readonly ActionOutcome[],
  nowMs: number,
): void {
  for (const outcome of outcomes) {
    if (outcome.kind === 'conditionFailed') {
      admission.chargeDoneWrite(outcome.capacity, nowMs);
    } else if (outcome.kind === 'accepted') {
      const { capacity } = outcome;
      admission.chargeDoneWrite({ ...capacity, table: 2 * capacity.table }, nowMs);
    }
  }
}
