import { faultStatus } from '../endpoint/fault-body.ts';
import { ClientFault, faultNamespaces } from '../errors/client-fault.ts';
import { ProposalError, type ProposalErrorCode, ReplicaExists } from '../replication/replica.ts';
import { RemoteFailure, RequestFailed } from '../replication/transport/transport.ts';
import { CallFailed, type CallFailedCode } from '../routing/call-failure.ts';
import type { FailureCode } from '../routing/protocol.ts';
import { StoreError } from '../storage/store.ts';

/** What a caller of the admin interface did wrong, or asked for in vain. */
export class AdminFault extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.name = 'AdminFault';
    this.status = status;
  }
}

export interface FailureAnswer {
  readonly status: number;
  readonly body: FailureBody | FaultBody;
}

interface FailureBody {
  readonly error: string;
  /** As the protocol between nodes names it. */
  readonly code?: string;
  /** Who leads the partition instead, if that is known. */
  readonly leader?: string;
}

/** Of an operation of the API: as the API itself answers it. */
interface FaultBody {
  readonly __type: string;
  readonly message: string | undefined;
}

const STATUS_OF: Readonly<Record<FailureCode, number>> = {
  notLeader: 409,
  noReplica: 404,
  stale: 503,
  overloaded: 503,
  expired: 503,
  unavailable: 503,
  unknownOutcome: 504,
  fault: 400,
  damaged: 500,
  otherStore: 409,
  replicaExists: 409,
  retired: 404,
};

const PROPOSAL_STATUS: Readonly<Record<ProposalErrorCode, number>> = {
  notLeader: 409,
  dropped: 503,
  unknown: 504,
  unavailable: 503,
};

const CALL_STATUS: Readonly<Record<CallFailedCode, number>> = {
  unavailable: 503,
  overloaded: 503,
  noPartition: 503,
  unknownOutcome: 504,
  damaged: 500,
  internal: 500,
};

/** How a failure is told; undefined for a defect, of which callers learn no more than that. */
export function failureAnswer(error: unknown): FailureAnswer | undefined {
  if (error instanceof AdminFault) return told(error.status, error.message);
  if (error instanceof ClientFault) return faultAnswer(error);
  if (error instanceof CallFailed) return told(CALL_STATUS[error.code], error.message, error.code);
  if (error instanceof RemoteFailure) return remoteFailureAnswer(error);
  if (error instanceof RequestFailed) {
    return told(error.outcome === 'notSent' ? 503 : 504, error.message);
  }
  if (error instanceof ProposalError) {
    return told(PROPOSAL_STATUS[error.code], error.message, error.code);
  }
  if (error instanceof ReplicaExists) return told(409, error.message);
  if (error instanceof StoreError) {
    const status = error.code === 'full' || error.code === 'closed' ? 503 : 500;
    return told(status, error.message, error.code);
  }
  return bodyParserAnswer(error);
}

function told(status: number, error: string, code?: string): FailureAnswer {
  return { status, body: code === undefined ? { error } : { error, code } };
}

function faultAnswer(fault: ClientFault): FailureAnswer {
  const { type, message, members } = fault;
  const body = { __type: `${faultNamespaces[type]}#${type}`, message, ...members };
  return { status: faultStatus(fault), body };
}

function remoteFailureAnswer({ code, message, data }: RemoteFailure): FailureAnswer {
  const status = Object.hasOwn(STATUS_OF, code) ? STATUS_OF[code as FailureCode] : 500;
  const leader = leaderOf(data);
  return {
    status,
    body: { error: message, code, ...(leader === undefined ? {} : { leader }) },
  };
}

function leaderOf(data: unknown): string | undefined {
  if (typeof data !== 'object' || data === null || !('leader' in data)) return undefined;
  return typeof data.leader === 'string' ? data.leader : undefined;
}

/** express and its body parser throw errors that carry a status and may be shown. */
function bodyParserAnswer(error: unknown): FailureAnswer | undefined {
  if (!(error instanceof Error && 'status' in error && 'type' in error)) return undefined;
  switch (error.type) {
    case 'entity.too.large':
      return told(413, 'the body is larger than 1 MB');
    case 'entity.parse.failed':
      return told(400, 'the body is not a JSON object');
    default:
      return told(typeof error.status === 'number' ? error.status : 400, error.message);
  }
}
