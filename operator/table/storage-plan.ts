import { resources } from '../../dataplane/kubernetes/resources.ts';
import { namesOf } from './children.ts';
import { conditionOf, type PersistentVolumeClaim } from './objects.ts';
import type { ObservedTable } from './observed.ts';
import { bytesOf } from './quantity.ts';
import type { Step } from './steps.ts';

/** What is to be done about the volumes of one slot. */
export type SlotStorage =
  /** There is no volume, or it has the size. */
  | { readonly kind: 'settled' }
  | {
      readonly kind: 'patch';
      readonly claim: string;
      readonly uid: string;
      readonly size: string | number;
    }
  /** Asked for; the driver works on it. */
  | { readonly kind: 'growing'; readonly message: string }
  /** Grown, once the pod has started anew. */
  | { readonly kind: 'restart'; readonly message: string }
  /** The volume has the size; the StatefulSet is to be made anew, so that later ones have it, too. */
  | { readonly kind: 'recreate'; readonly statefulSet: string; readonly uid: string }
  | { readonly kind: 'remaking'; readonly message: string }
  | { readonly kind: 'unsupported'; readonly message: string }
  | { readonly kind: 'failed'; readonly message: string };

/**
 * Growth of volumes, slot by slot, whether pods run or not. A size that has been asked for and not
 * reached may be lowered again; what a volume has, it keeps.
 * @see reference/operator.md §3.6
 */
export function planStorage(observed: ObservedTable): readonly SlotStorage[] {
  return observed.slots.map((_, slot) => planSlot(observed, slot));
}

/** What of it the API server is asked for now. */
export function storageSteps(storage: readonly SlotStorage[]): readonly Step[] {
  return storage.flatMap((slot): readonly Step[] => {
    switch (slot.kind) {
      case 'patch': {
        const { claim: name, uid, size } = slot;
        return [{ kind: 'resizeClaim', name, uid, size }];
      }
      case 'recreate': {
        const { statefulSet: name, uid } = slot;
        const type = resources.statefulSets;
        return [{ kind: 'delete', type, name, uid, propagationPolicy: 'Orphan' }];
      }
      default:
        return [];
    }
  });
}

/** The size that new volumes of the slot's StatefulSet are to have; it cannot be changed in one that exists. */
export function claimSizeOf({ table, slots }: ObservedTable, slot: number): string | number {
  const { statefulSet, claim } = slots[slot] ?? {};
  const [template] = statefulSet?.spec.volumeClaimTemplates ?? [];
  const existing = template?.spec.resources?.requests?.storage;
  if (existing !== undefined) return existing;
  const { size } = table.spec.storage;
  const capacity = claim?.status?.capacity?.storage;
  return claim === undefined || isAtLeast(capacity, size) ? size : (requestOf(claim) ?? size);
}

/** The smallest capacity of all volumes; undefined while one has none. */
export function smallestCapacity({ slots }: ObservedTable): string | undefined {
  return smallest(slots.map(({ claim }) => claim?.status?.capacity?.storage));
}

/**
 * The size below which the volumes cannot go back: what was asked for and is there. A driver may give
 * more than was asked for, which binds nobody.
 */
export function committedSize({ slots }: ObservedTable): string | undefined {
  return smallest(
    slots.map(({ claim }) => {
      const capacity = claim?.status?.capacity?.storage;
      return claim === undefined ? undefined : smallest([capacity, requestOf(claim)]);
    }),
  );
}

function smallest(sizes: readonly (string | undefined)[]): string | undefined {
  if (sizes.includes(undefined)) return undefined;
  return sizes.reduce((least, size) => (isAtLeast(size, least) ? least : size));
}

function planSlot(observed: ObservedTable, slot: number): SlotStorage {
  const { table, slots, storageClass } = observed;
  const { claim } = slots[slot] ?? {};
  if (claim === undefined || claim.metadata.deletionTimestamp !== undefined)
    return { kind: 'settled' };
  const { size } = table.spec.storage;
  const request = requestOf(claim);
  const capacity = claim.status?.capacity?.storage;
  const { name, uid = '' } = claim.metadata;
  if (claim.status?.phase !== 'Bound') return { kind: 'settled' };
  if (isAtLeast(capacity, size)) {
    if (!isAtLeast(capacity, request)) return overshot(name, { request, capacity });
    return recreation(observed, slot);
  }
  if (!isSame(request, size)) {
    if (storageClass.kind === 'found' && !storageClass.allowsExpansion) {
      return {
        kind: 'unsupported',
        message:
          `the StorageClass ${storageClass.name} does not allow expansion: set storage.size back to ` +
          `${capacity}, or set allowVolumeExpansion of the class if its driver can`,
      };
    }
    return { kind: 'patch', claim: name, uid, size };
  }
  return growth(claim, namesOf(table).pod(slot));
}

/** Kubernetes takes a request back only to a size above what the volume has. */
function overshot(
  claim: string,
  {
    request,
    capacity,
  }: { readonly request: string | undefined; readonly capacity: string | undefined },
): SlotStorage {
  const message =
    `${claim} still asks for ${request}, and a claim cannot go back to the ${capacity} that it has: ` +
    `set storage.size between ${capacity} and ${request}`;
  return { kind: 'failed', message };
}

function growth(claim: PersistentVolumeClaim, pod: string): SlotStorage {
  const { name } = claim.metadata;
  const state = claim.status?.allocatedResourceStatuses?.storage;
  const failure =
    conditionOf(claim, 'ControllerResizeError') ?? conditionOf(claim, 'NodeResizeError');
  if (state?.endsWith('Infeasible') === true || failure?.status === 'True') {
    const why = failure?.message ?? state ?? '';
    return {
      kind: 'failed',
      message: `${name} cannot grow (${why}): set storage.size to what the driver can give`,
    };
  }
  if (isFileSystemPending(claim)) {
    return {
      kind: 'restart',
      message: `${name} has grown; its file system follows, with some drivers not before the pod starts anew: if it takes minutes, ${pod} is restarted`,
    };
  }
  return { kind: 'growing', message: `waiting for the driver to grow ${name}` };
}

/** The volume has grown, and the file system in it has not. */
export function isFileSystemPending(claim: PersistentVolumeClaim): boolean {
  return conditionOf(claim, 'FileSystemResizePending')?.status === 'True';
}

function recreation({ table, slots }: ObservedTable, slot: number): SlotStorage {
  const { statefulSet } = slots[slot] ?? {};
  const name = namesOf(table).statefulSet(slot);
  if (statefulSet === undefined || statefulSet.metadata.deletionTimestamp !== undefined) {
    return { kind: 'remaking', message: `making ${name} anew; its pod stays` };
  }
  const [template] = statefulSet.spec.volumeClaimTemplates ?? [];
  const templateSize = template?.spec.resources?.requests?.storage;
  if (isSame(templateSize, table.spec.storage.size)) return { kind: 'settled' };
  return { kind: 'recreate', statefulSet: name, uid: statefulSet.metadata.uid ?? '' };
}

function requestOf(claim: PersistentVolumeClaim): string | undefined {
  return claim.spec.resources?.requests?.storage;
}

function isSame(a: string | number | undefined, b: string | number | undefined): boolean {
  return a !== undefined && bytesOf(a) === bytesOf(b);
}

function isAtLeast(a: string | number | undefined, b: string | number | undefined): boolean {
  const [left, right] = [bytesOf(a), bytesOf(b)];
  return left !== undefined && right !== undefined && left >= right;
}
