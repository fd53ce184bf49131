import type { Partition } from '../partition/partition.ts';
import type { TableSchema } from '../partition/schema.ts';
import type { AnswerTo, TransactionCall } from '../partition/transaction.ts';
import type { Admission } from './admission.ts';
import {
  admitAll,
  admitTransactionCall,
  admitUnlessExhausted,
  chargeTransactionCall,
  checkCommands,
} from './transaction-admission.ts';

export interface LocalTransactionParts {
  readonly schema: TableSchema;
  readonly admission: Admission;
  readonly nowMs: () => number;
  /** Undefined unless global indexes are too far behind: then resolves when they are not. */
  readonly room: () => Promise<void> | undefined;
}

/**
 * Asks a partition of this process as a part of a transaction.
 * @throws ClientFault, StoreError
 */
export async function localTransact<Call extends TransactionCall>(
  { schema, admission, nowMs, room }: LocalTransactionParts,
  partition: Partition,
  call: Call,
): Promise<AnswerTo<Call>> {
  checkCommands(call, schema);
  admitTransactionCall(admission, call, nowMs());
  let admit = admitAll;
  if (call.kind === 'prepare' || call.kind === 'execute') {
    const exhausted = [...call.exhaustedIndexes, ...admission.exhaustedIndexes(nowMs())];
    admit = admitUnlessExhausted(exhausted, (name) => admission.indexFault(name));
    const wait = room();
    if (wait !== undefined) await wait;
  }
  const { answer } = await partition.transactions.do(call, admit);
  chargeTransactionCall(admission, call, answer, nowMs());
  return answer;
}
