import { ClientFault } from '../errors/client-fault.ts';
import { ProposalError, type Replica } from '../replication/replica.ts';
import { RemoteFailure } from '../replication/transport/transport.ts';
import { faultDataOf } from '../routing/call-failure.ts';
import type { FailureCode, NotLeaderData } from '../routing/protocol.ts';
import { StoreError } from '../storage/store.ts';

/** A refusal as the protocol knows it. */
export function failure(code: FailureCode, message: string, data?: unknown): RemoteFailure {
  return new RemoteFailure(code, message, data);
}

export function notLeader(replica: Replica): RemoteFailure {
  const data: NotLeaderData = { leader: replica.leader?.node, term: replica.term };
  return failure('notLeader', `partition ${replica.partitionId} is led elsewhere`, data);
}

export function retired({ partitionId }: Replica): RemoteFailure {
  return failure('retired', `the table of partition ${partitionId} was deleted`);
}

export function overloaded(what: string): RemoteFailure {
  return failure('overloaded', `too many ${what} are under way`);
}

/**
 * What the caller is told of an error of the layers below. Errors that nobody expects are given back
 * as they are: the transport logs them and answers `internal`.
 * @param mayBeDone - the call had proposed something by then
 */
export function failureOf(
  error: unknown,
  replica: Replica,
  { mayBeDone }: { readonly mayBeDone: boolean },
): unknown {
  if (error instanceof ProposalError) return failureOfProposal(error, replica, mayBeDone);
  if (error instanceof ClientFault) return failureOfFault(error);
  if (error instanceof StoreError) {
    return failure(error.code === 'damaged' ? 'damaged' : 'unavailable', error.message);
  }
  return error;
}

function failureOfProposal(error: ProposalError, replica: Replica, mayBeDone: boolean) {
  switch (error.code) {
    case 'unknown':
      return mayBeDone ? failure('unknownOutcome', error.message) : notLeader(replica);
    case 'notLeader':
      return notLeader(replica);
    case 'dropped':
    case 'unavailable':
      return failure('unavailable', error.message);
  }
}

function failureOfFault(fault: ClientFault): RemoteFailure {
  return failure('fault', fault.message ?? fault.type, faultDataOf(fault));
}
