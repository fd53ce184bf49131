import type { AnswerTo, TransactionCall } from '../partition/transaction.ts';
import type { ClusterMap } from './cluster-map.ts';
import { type Forwarder, repeatable } from './forwarder.ts';
import type { NodeState } from './node-state.ts';
import { methods, type TransactAnswer, type TransactCall } from './protocol.ts';
import { decodeTransactionAnswer, encodeTransactionCall } from './wire-transaction.ts';

/**
 * Asks the leader of a partition as a part of a transaction.
 * @param exhausted - global indexes that have no write units left
 * @throws ClientFault that the node raised; CallFailed
 */
export async function remoteTransact<Call extends TransactionCall>(
  { map, forwarder }: { readonly map: ClusterMap; readonly forwarder: Forwarder },
  partitionId: bigint,
  { call, exhausted }: { readonly call: Call; readonly exhausted: readonly string[] },
): Promise<AnswerTo<Call>> {
  const encoded = encodeTransactionCall(withExhausted(call, exhausted));
  let target: NodeState | undefined;
  let processId = '';
  let tries = 0;
  const body = (epoch: number, node: NodeState): TransactCall => {
    target = node;
    processId = node.processId;
    tries += 1;
    const isRepeat = tries > 1 && encoded.kind === 'execute';
    return [partitionId, epoch, node.callTime, isRepeat ? { ...encoded, isRepeat } : encoded];
  };
  const route = map.partition(partitionId) ?? partitionId;
  // Nodes of the cluster answer as the protocol says.
  const [answer, monotonicMs] = (await forwarder.callLeader(
    route,
    methods.transact,
    body,
    repeatable,
  )) as TransactAnswer;
  target?.noteTime(processId, monotonicMs);
  return decodeTransactionAnswer(call.kind, answer) as AnswerTo<Call>; // of the call's kind
}

function withExhausted(call: TransactionCall, exhausted: readonly string[]): TransactionCall {
  if (call.kind !== 'prepare' && call.kind !== 'execute') return call;
  return { ...call, exhaustedIndexes: [...call.exhaustedIndexes, ...exhausted] };
}
