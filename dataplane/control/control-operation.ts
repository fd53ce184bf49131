import { listStreams } from '../api/list-streams.ts';
import type {
  ControlContext,
  JsonObject,
  Operation,
  ResponseBody,
  StreamContext,
} from '../api/operation.ts';
import { tableOperations } from '../api/operations.ts';
import { ClientFault } from '../errors/client-fault.ts';
import { transportFaults } from '../errors/transport.ts';
import { ProposalError, type Replica } from '../replication/replica.ts';
import { RemoteFailure } from '../replication/transport/transport.ts';
import type { ControlAnswer, ControlCall, FaultData } from '../routing/protocol.ts';
import { StoreError } from '../storage/store.ts';
import type { ReplicatedStore } from './replicated-store.ts';
import { type TriggerCatalog, triggerOperations } from './trigger-operations.ts';
import { unlessAborted } from './waiting.ts';

/** A quorum that does not answer in this time has another leader by then. */
const CONFIRM_TIMEOUT_MS = 2_000;

export interface LeaderCall extends ControlCall {
  /** It is to change nothing (`methods.rehearse`). */
  readonly isDryRun: boolean;
}

/** Streams are read by routers; which there are is known here, too, and for certain. */
const leaderOperations: ReadonlyMap<string, Operation<ControlContext & StreamContext>> = new Map<
  string,
  Operation<ControlContext & StreamContext>
>([...tableOperations, [listStreams.name, listStreams]]);

export interface OperationParts {
  readonly context: ControlContext & StreamContext;
  /** Undefined for a dry run, which these operations do not know. */
  readonly triggers: TriggerCatalog | undefined;
  /** Of partition 0; led when the operation began. */
  readonly replica: Replica;
  readonly store: Pick<ReplicatedStore, 'commitsCount'>;
  /** Fires when that is over. */
  readonly ended: AbortSignal;
  readonly notLeader: () => RemoteFailure;
}

type Outcome =
  | { readonly kind: 'response'; readonly body: ResponseBody }
  | { readonly kind: 'fault'; readonly fault: ClientFault };

/**
 * Runs one operation of the control plane.
 *
 * What it read, and what it found the caller to have done wrong, must not be from a catalog that is
 * out of date: so leadership is confirmed after that was computed and before it is told. What was
 * written needs no such proof.
 * @throws RemoteFailure `fault`; `notLeader` or `unavailable` when nothing was done; `unknownOutcome`
 */
export async function runOperation(
  call: LeaderCall,
  parts: OperationParts,
): Promise<ControlAnswer> {
  if (parts.ended.aborted) throw parts.notLeader();
  const isRead = /^(Describe|List)/.test(call.operation) || call.isDryRun;
  const commitsBefore = parts.store.commitsCount;
  const outcome = await compute(call, { ...parts, isRead });
  const hasWritten = parts.store.commitsCount > commitsBefore;
  if (isRead || !hasWritten || outcome.kind === 'fault') await confirm(parts);
  if (outcome.kind === 'fault') throw faultFailure(outcome.fault);
  return bytesOf(outcome.body);
}

async function compute(
  { operation, body }: ControlCall,
  parts: OperationParts & { readonly isRead: boolean },
): Promise<Outcome> {
  const { context, ended, isRead, notLeader } = parts;
  try {
    const { triggers } = parts;
    const ofTriggers = triggers && triggerOperations.get(operation);
    const found = leaderOperations.get(operation);
    const handled = async () => {
      if (triggers !== undefined && ofTriggers !== undefined) {
        return ofTriggers(parsed(body), triggers);
      }
      if (found === undefined) throw transportFaults.unknownOperation();
      return found.handle(parsed(body), context);
    };
    return { kind: 'response', body: await unlessAborted(handled(), ended) };
  } catch (error) {
    if (error instanceof ClientFault) return { kind: 'fault', fault: error };
    if (ended.aborted) throw isRead ? notLeader() : unknownOutcome();
    if (error instanceof StoreError) throw storeFailure(error, parts);
    throw error;
  }
}

/** @throws RemoteFailure `notLeader` */
async function confirm({ replica, ended, notLeader }: OperationParts): Promise<void> {
  if (ended.aborted) throw notLeader();
  if (replica.holdsLease()) return;
  try {
    await unlessAborted(replica.confirmLeadership(CONFIRM_TIMEOUT_MS), ended);
  } catch (error) {
    if (ended.aborted || error instanceof ProposalError) throw notLeader();
    throw error;
  }
}

function parsed(body: Uint8Array): JsonObject {
  try {
    const value: unknown = JSON.parse(Buffer.from(body).toString('utf8'));
    // Whatever members it has: the operation checks them.
    if (typeof value === 'object' && value !== null) return value as JsonObject;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw transportFaults.notJson();
}

function bytesOf(body: ResponseBody): Uint8Array {
  return body instanceof Uint8Array ? body : Buffer.from(JSON.stringify(body));
}

function faultFailure({ type, message, members }: ClientFault): RemoteFailure {
  const data: FaultData = { type, message, members };
  return new RemoteFailure('fault', message ?? type, data);
}

function unknownOutcome(): RemoteFailure {
  return new RemoteFailure('unknownOutcome', 'the catalog is led elsewhere by now');
}

/** A write that the group may have taken is told apart from one that it has not. */
function storeFailure({ code, message, cause }: StoreError, parts: OperationParts): RemoteFailure {
  if (cause instanceof ProposalError) {
    if (cause.code === 'unknown') return unknownOutcome();
    if (cause.code === 'notLeader') return parts.notLeader();
  }
  return new RemoteFailure(code === 'damaged' ? 'damaged' : 'unavailable', message);
}
