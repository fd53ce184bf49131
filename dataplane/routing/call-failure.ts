import { ClientFault, type FaultType, faultNamespaces } from '../errors/client-fault.ts';
import { operatingTexts, transportFaults } from '../errors/transport.ts';
import { RemoteFailure, RequestFailed } from '../replication/transport/transport.ts';
import type { FailureCode, FaultData, NotLeaderData } from './protocol.ts';

export type CallFailedCode =
  /** Not done: nobody could do it before the deadline. */
  | 'unavailable'
  /** It may have been done, or may still be. */
  | 'unknownOutcome'
  /** Not done: too many calls wait already. */
  | 'overloaded'
  /** Not done: no node has the partition. */
  | 'noPartition'
  /** What was asked for does not match its checksum. */
  | 'damaged'
  /** A node has a bug; what came of the call is unknown. */
  | 'internal';

/** A call that ended without an answer: an operating error. */
export class CallFailed extends Error {
  readonly code: CallFailedCode;
  constructor(code: CallFailedCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'CallFailed';
    this.code = code;
  }
}

/** What to do after a try failed. */
export type Verdict =
  /** Not done there: ask another member. */
  | 'elsewhere'
  /** Nobody knows whether it was, or will be, done there: another may be asked if that is no harm. */
  | 'unknown'
  /** Not done there: ask the same member again, a little later. */
  | 'later'
  /** Not done there: ask the same member again, once its clock has been read. */
  | 'clock'
  /** It ends with this failure. */
  | 'final';

const verdicts: Readonly<Record<FailureCode, Verdict>> = {
  notLeader: 'elsewhere',
  noReplica: 'elsewhere',
  stale: 'elsewhere',
  overloaded: 'later',
  expired: 'clock',
  unavailable: 'elsewhere',
  unknownOutcome: 'unknown',
  fault: 'final',
  // Another replica has the same data whole; a leader that finds damage hands leadership over.
  damaged: 'elsewhere',
  otherStore: 'elsewhere',
  replicaExists: 'final',
  retired: 'final',
};

/** A short name of the failure, for counters. */
export function reasonOf(failure: unknown): string {
  if (failure instanceof RemoteFailure) return failure.code;
  return failure instanceof RequestFailed ? failure.outcome : 'bug';
}

/** @throws what is neither a RequestFailed nor a RemoteFailure: a bug of this process */
export function verdictOf(failure: unknown): Verdict {
  if (failure instanceof RequestFailed) {
    return failure.outcome === 'notSent' ? 'elsewhere' : 'unknown';
  }
  if (!(failure instanceof RemoteFailure)) throw failure;
  const { code } = failure;
  if (isFailureCode(code)) return verdicts[code];
  // A node that starts has no handlers yet, and one of another release perhaps not this one.
  return code === 'noMethod' ? 'elsewhere' : 'final';
}

/** Who leads, as the refusing node knows it; undefined when it is no such refusal. */
export function leaderHintOf(failure: unknown): NotLeaderData | undefined {
  if (!(failure instanceof RemoteFailure) || failure.code !== 'notLeader') return undefined;
  const { data } = failure;
  if (typeof data !== 'object' || data === null || !('term' in data)) return undefined;
  const leader = 'leader' in data && typeof data.leader === 'string' ? data.leader : undefined;
  return typeof data.term === 'number' ? { leader, term: data.term } : undefined;
}

/** What the caller of a call is told of a failure that ends it. */
export function finalError(failure: unknown, message: string): CallFailed | ClientFault {
  if (failure instanceof RemoteFailure) {
    if (failure.code === 'fault') {
      return clientFaultOf(failure.data) ?? new CallFailed('internal', message, { cause: failure });
    }
    const { code } = failure;
    // Of what is read and written there is nothing left, wherever one asks.
    if (code === 'retired') return new CallFailed('noPartition', message, { cause: failure });
    const isTold = code === 'unknownOutcome';
    return new CallFailed(isTold ? code : 'internal', message, { cause: failure });
  }
  return new CallFailed('unknownOutcome', message, { cause: failure });
}

/** What the client is told of a call that failed: every one is worth another try by the client. */
export function faultOfCall(error: CallFailed): ClientFault {
  switch (error.code) {
    case 'overloaded':
      return transportFaults.shed();
    case 'damaged':
      return transportFaults.internal(operatingTexts.damaged);
    case 'internal':
      return transportFaults.internal();
    case 'unavailable':
    case 'unknownOutcome':
    case 'noPartition':
      return transportFaults.internal(operatingTexts.unavailable);
  }
}

/** A fault on its way. */
export function faultDataOf({ type, message, members }: ClientFault): FaultData {
  return { type, message, members };
}

/** A fault that was raised at a node; undefined for what is none. */
export function clientFaultOf(data: unknown): ClientFault | undefined {
  if (typeof data !== 'object' || data === null) return undefined;
  const { type, message, members } = data as { readonly [K in keyof FaultData]?: unknown };
  if (typeof type !== 'string' || !isFaultType(type)) return undefined;
  return new ClientFault(
    type,
    typeof message === 'string' ? message : undefined,
    isMembers(members) ? members : undefined,
  );
}

function isFailureCode(code: string): code is FailureCode {
  return Object.hasOwn(verdicts, code);
}

function isFaultType(type: string): type is FaultType {
  return Object.hasOwn(faultNamespaces, type);
}

function isMembers(members: unknown): members is Readonly<Record<string, unknown>> {
  return typeof members === 'object' && members !== null;
}
