import { tableRequestFaults } from '../errors/table-requests.ts';
import type { CreateTableRequest, SseSpecification, UpdateTableRequest } from './table-request.ts';

/**
 * Members that nothing acts on yet are refused, unless they ask for what holds anyway. Members that
 * contradict each other get the service's own answer first.
 *
 * Differs: the service supports all of them.
 * @throws ClientFault ValidationException
 */
export function refuseUnsupportedOnCreate(request: CreateTableRequest): void {
  checkEncryption(request.SSESpecification);
  refuse('VectorIndexes', isFilled(request.VectorIndexes));
  refuse('ResourcePolicy', request.ResourcePolicy !== undefined);
  refuse('GlobalTableSourceArn', request.GlobalTableSourceArn !== undefined);
  refuseReplicationMode(request);
}

/** @throws ClientFault ValidationException */
export function refuseUnsupportedOnUpdate(request: UpdateTableRequest): void {
  checkEncryption(request.SSESpecification);
  refuse('ReplicaUpdates', isFilled(request.ReplicaUpdates));
  refuse('GlobalTableWitnessUpdates', isFilled(request.GlobalTableWitnessUpdates));
  refuse('MultiRegionConsistency', request.MultiRegionConsistency !== undefined);
  refuse('DisassociationProtectionEnabled', request.DisassociationProtectionEnabled === true);
  refuse('VectorIndexUpdates', isFilled(request.VectorIndexUpdates));
  refuseReplicationMode(request);
}

/** Enabling, also by a type alone, asks for a key that is the customer's. */
function checkEncryption(encryption: SseSpecification | undefined): void {
  if (encryption === undefined) return;
  const { Enabled, SSEType, KMSMasterKeyId } = encryption;
  if (Enabled === false) {
    if (SSEType !== undefined) throw tableRequestFaults.sseMemberWhileDisabled('SSEType');
    if (KMSMasterKeyId !== undefined) {
      throw tableRequestFaults.sseMemberWhileDisabled('KMSMasterKeyId');
    }
    return;
  }
  if (Enabled === true) throw tableRequestFaults.notSupported('SSESpecification with Enabled true');
  refuse('SSESpecification', SSEType !== undefined || KMSMasterKeyId !== undefined);
}

function refuseReplicationMode(request: {
  readonly GlobalTableSettingsReplicationMode?: string | undefined;
}): void {
  refuse(
    'GlobalTableSettingsReplicationMode',
    request.GlobalTableSettingsReplicationMode !== undefined,
  );
}

function refuse(what: string, isAskedFor: boolean): void {
  if (isAskedFor) throw tableRequestFaults.notSupported(what);
}

function isFilled(list: readonly unknown[] | undefined): boolean {
  return list !== undefined && list.length > 0;
}
