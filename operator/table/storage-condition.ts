import type { Finding } from '../findings.ts';
import type { ObservedTable } from './observed.ts';
import type { SlotStorage } from './storage-plan.ts';
import { almostFullMessage, type VolumeFill } from './volume-fill.ts';

/** What a plan says about volumes. */
interface StorageFindings {
  readonly storage: readonly SlotStorage[];
  readonly volumes: readonly VolumeFill[];
}

/** The condition StorageReady. What is wrong with a growth comes first, and a volume that is almost full is told with it. */
export function storageOf(observed: ObservedTable, { storage, volumes }: StorageFindings): Finding {
  const type = 'StorageReady';
  const full = almostFullMessage(observed, volumes);
  const no = (reason: string, message: string): Finding => ({
    type,
    status: 'False',
    reason,
    message: full === undefined ? message : `${message}; ${full}`,
  });
  const failed = storage.find(({ kind }) => kind === 'failed');
  if (failed !== undefined) return no('ExpansionFailed', storageMessage(failed));
  const unsupported = storage.find(({ kind }) => kind === 'unsupported');
  if (unsupported !== undefined) return no('ExpansionUnsupported', storageMessage(unsupported));
  const growing =
    storage.find(({ kind }) => kind === 'restart') ??
    storage.find(({ kind }) => kind !== 'settled');
  if (growing !== undefined) return no('Resizing', storageMessage(growing));
  if (full !== undefined) return { type, status: 'False', reason: 'AlmostFull', message: full };
  const unbound = observed.slots.flatMap(({ claim }, slot) =>
    claim?.status?.phase === 'Bound' ? [] : [claim?.metadata.name ?? `of slot ${slot}`],
  );
  if (unbound.length > 0) return no('Pending', `waiting for volumes: claims ${unbound.join(', ')}`);
  return {
    type,
    status: 'True',
    reason: 'Bound',
    message: 'all volumes are there and have the size',
  };
}

/** What is being done about a volume, for people; nothing when that is nothing. */
export function storageMessage(storage: SlotStorage): string {
  switch (storage.kind) {
    case 'settled':
      return '';
    case 'patch':
      return `asking for ${storage.size} for ${storage.claim}`;
    case 'recreate':
      return `making ${storage.statefulSet} anew, with the size for later volumes; its pod stays`;
    default:
      return storage.message;
  }
}
