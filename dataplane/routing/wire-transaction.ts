import { capacityOfList, type ListedCapacity, listCapacity } from '../partition/capacity.ts';
import { decodeCommand, encodeCommand } from '../partition/command-codec.ts';
import type {
  ActionOutcome,
  AnsweredCall,
  ExecuteCall,
  PrepareCall,
  StalledMark,
  TransactionCall,
  TransactionReadCall,
} from '../partition/transaction.ts';
import { clientFaultOf, faultDataOf } from './call-failure.ts';
import type { FaultData } from './protocol.ts';

/**
 * Calls and answers of transactions between routers and nodes: as in partition/transaction.ts, but
 * commands are bytes (command-codec.ts), keys the bytes of their JSON (wire-page.ts says why), and
 * outcomes the lists below.
 */
export type WireTransactionCall =
  | WithBytes<PrepareCall>
  | WithBytes<ExecuteCall>
  | { readonly kind: 'read'; readonly keys: Uint8Array }
  | Exclude<TransactionCall, PrepareCall | ExecuteCall | TransactionReadCall>;

type WithBytes<Call> = Omit<Call, 'commands'> & { readonly commands: readonly Uint8Array[] };

type WireOutcome =
  | readonly ['accepted', capacity: ListedCapacity, collectionBytes: number | null]
  | readonly ['conditionFailed', capacity: ListedCapacity, before: Uint8Array | null]
  | readonly ['conflict', stalled: StalledMark | null]
  | readonly ['fault', fault: FaultData];

export function encodeTransactionCall(call: TransactionCall): WireTransactionCall {
  switch (call.kind) {
    case 'prepare':
    case 'execute':
      return { ...call, commands: call.commands.map(encodeCommand) };
    case 'read':
      return { ...call, keys: Buffer.from(JSON.stringify(call.keys)) };
    default:
      return call;
  }
}

/**
 * The call; items of puts are parsed when they are first looked at.
 * @throws RangeError, SyntaxError when the bytes of a command, or of keys, are none
 */
export function decodeTransactionCall(encoded: WireTransactionCall): TransactionCall {
  switch (encoded.kind) {
    case 'prepare':
      return { ...encoded, commands: encoded.commands.map(decodeCommand) };
    case 'execute':
      return { ...encoded, commands: encoded.commands.map(decodeCommand) };
    case 'read': {
      const { buffer, byteOffset, byteLength } = encoded.keys;
      // Written by `encodeTransactionCall` in another process of the cluster, from checked keys.
      const keys = JSON.parse(Buffer.from(buffer, byteOffset, byteLength).toString());
      return { kind: 'read', keys };
    }
    default:
      return encoded;
  }
}

/** Bytes of a call, roughly: what it takes up while it is under way. */
export function transactionCallBytes(encoded: WireTransactionCall): number {
  if (encoded.kind === 'read') return encoded.keys.length;
  if (encoded.kind !== 'prepare' && encoded.kind !== 'execute') return 0;
  return encoded.commands.reduce((bytes, command) => bytes + command.length, 0);
}

/** An answer as it travels: outcomes as lists, and else as it is. */
export function encodeTransactionAnswer(answered: AnsweredCall): unknown {
  const { kind, answer } = answered;
  switch (kind) {
    case 'prepare':
      return { ...answer, outcomes: answer.outcomes.map(encodeOutcome) };
    case 'execute':
      return answer.kind === 'done' || answer.kind === 'refused'
        ? { ...answer, outcomes: answer.outcomes.map(encodeOutcome) }
        : answer;
    default:
      return answer;
  }
}

/** The answer to a call of this kind. */
export function decodeTransactionAnswer(kind: TransactionCall['kind'], encoded: unknown): unknown {
  if (kind !== 'prepare' && kind !== 'execute') return encoded;
  // Nodes of the cluster answer as `encodeTransactionAnswer` makes it.
  const { outcomes, ...members } = encoded as { readonly outcomes?: readonly WireOutcome[] };
  return outcomes === undefined ? members : { ...members, outcomes: outcomes.map(decodeOutcome) };
}

function encodeOutcome(outcome: ActionOutcome): WireOutcome {
  switch (outcome.kind) {
    case 'accepted': {
      const { capacity, collectionBytes = null } = outcome;
      return ['accepted', listCapacity(capacity), collectionBytes];
    }
    case 'conditionFailed':
      return ['conditionFailed', listCapacity(outcome.capacity), outcome.before ?? null];
    case 'conflict':
      return ['conflict', outcome.stalled ?? null];
    case 'fault':
      return ['fault', faultDataOf(outcome.fault)];
  }
}

function decodeOutcome(encoded: WireOutcome): ActionOutcome {
  switch (encoded[0]) {
    case 'accepted': {
      const [kind, capacity, collectionBytes] = encoded;
      return {
        kind,
        capacity: capacityOfList(capacity),
        collectionBytes: collectionBytes ?? undefined,
      };
    }
    case 'conditionFailed': {
      const [kind, capacity, before] = encoded;
      return { kind, capacity: capacityOfList(capacity), before: before ?? undefined };
    }
    case 'conflict':
      return { kind: 'conflict', stalled: encoded[1] ?? undefined };
    case 'fault': {
      const fault = clientFaultOf(encoded[1]);
      if (fault === undefined) throw new RangeError('A fault of an action is none.');
      return { kind: 'fault', fault };
    }
  }
}
