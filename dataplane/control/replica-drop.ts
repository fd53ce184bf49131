import { RemoteFailure, RequestFailed } from '../replication/transport/transport.ts';
import { type DropReplicaCall, methods } from '../routing/protocol.ts';
import type { CallOptions, NodeCalls } from './cluster-view.ts';
import type { PlacedReplica } from './placement-records.ts';

/**
 * Has a node remove its replica of a partition, if it is this one or an earlier one: a call that comes
 * late must not take away what came after it.
 * @throws RequestFailed, RemoteFailure
 */
export async function askToDrop(
  calls: NodeCalls,
  partitionId: bigint,
  { node, storeId, replicaId }: PlacedReplica,
  options: CallOptions,
): Promise<void> {
  const call: DropReplicaCall = {
    storeId,
    partitionId,
    replicaId,
  };
  await calls.callNode(node, methods.dropReplica, call, options);
}

/** As `askToDrop`; whether the replica is gone for certain. */
export async function triedToDrop(
  calls: NodeCalls,
  partitionId: bigint,
  { replica, options }: { readonly replica: PlacedReplica; readonly options: CallOptions },
): Promise<boolean> {
  try {
    await askToDrop(calls, partitionId, replica, options);
    return true;
  } catch (error) {
    // In another data folder there is nothing of it.
    if (error instanceof RemoteFailure) return error.code === 'otherStore';
    if (error instanceof RequestFailed) return false;
    throw error;
  }
}
