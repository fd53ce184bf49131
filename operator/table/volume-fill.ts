import { answering } from './node-answer.ts';
import type { ObservedTable } from './observed.ts';
import { bytesOf } from './quantity.ts';
import type { TableEvent } from './steps.ts';

/** A volume counts as almost full above this share, until it is below the other one: it does not flicker. */
const ALMOST_FULL_ABOVE_PERCENT = 85;
const ALMOST_FULL_UNTIL_PERCENT = 80;

/** How full the volume of a pod is, as its node says. */
export interface VolumeFill {
  readonly pod: string;
  /** Of what is used and what may still be written, as `df` shows it. */
  readonly usedPercent: number;
  readonly totalBytes: number;
  readonly isAlmostFull: boolean;
  /** The node takes no writes for want of space, or since the disk failed. */
  readonly refusesWrites: boolean;
}

/**
 * The volumes of all nodes that say, by slot. Whether one was almost full before is read from the status;
 * losing that costs a second event at most.
 */
export function volumeFills({ nodeViews, table }: ObservedTable): readonly VolumeFill[] {
  const before = almostFullBefore(table);
  return answering(nodeViews).flatMap(({ pod, volume }) => {
    if (volume === undefined) return [];
    const { usedBytes, availableBytes, writesRefused } = volume;
    const totalBytes = usedBytes + availableBytes;
    if (totalBytes <= 0) return [];
    const share = (100 * usedBytes) / totalBytes;
    const limit = before.has(pod) ? ALMOST_FULL_UNTIL_PERCENT : ALMOST_FULL_ABOVE_PERCENT;
    return [
      {
        pod,
        usedPercent: Math.floor(share),
        totalBytes,
        isAlmostFull: share > limit,
        refusesWrites: writesRefused !== undefined,
      },
    ];
  });
}

/** Pods whose volume is almost full; of those that do not answer, as it was. */
export function almostFullPods(
  { nodeViews, table }: ObservedTable,
  fills: readonly VolumeFill[],
): readonly string[] {
  const before = almostFullBefore(table);
  const said = new Map(fills.map((fill) => [fill.pod, fill.isAlmostFull]));
  return nodeViews.map(({ pod }) => pod).filter((pod) => said.get(pod) ?? before.has(pod));
}

/** Pods whose volume was almost full when the status was written last. */
function almostFullBefore({ status }: ObservedTable['table']): ReadonlySet<string> {
  return new Set(status?.storage?.almostFull);
}

/** Whose volumes are almost full, how full, and what to do; undefined when none is. */
export function almostFullMessage(
  observed: ObservedTable,
  fills: readonly VolumeFill[],
): string | undefined {
  const full = almostFullPods(observed, fills);
  if (full.length === 0) return undefined;
  const volumes = full.map((pod) => {
    const fill = fills.find((each) => each.pod === pod);
    if (fill === undefined) return `${pod} (it does not answer)`;
    const refusal = fill.refusesWrites ? ' and takes no writes' : '';
    return `${pod} (${fill.usedPercent} % of ${gibibytes(fill.totalBytes)} used${refusal})`;
  });
  return `almost full: the volume of ${volumes.join(', ')}; ${remedy(observed, fills)}`;
}

/** Of each volume that has become almost full since the last status. */
export function volumeEvents(
  observed: ObservedTable,
  fills: readonly VolumeFill[],
): readonly TableEvent[] {
  const before = almostFullBefore(observed.table);
  const isNew = fills.some(({ pod, isAlmostFull }) => isAlmostFull && !before.has(pod));
  const message = isNew ? almostFullMessage(observed, fills) : undefined;
  return message === undefined ? [] : [{ type: 'Warning', reason: 'VolumeAlmostFull', message }];
}

/** A file system that is so much larger than its volume is to be is a machine's own disk. */
const SHARED_FACTOR = 1.5;

function remedy(observed: ObservedTable, fills: readonly VolumeFill[]): string {
  const { table, storageClass } = observed;
  const { name, namespace = '' } = table.metadata;
  const sizeBytes = bytesOf(table.spec.storage.size) ?? 0;
  const isShared = fills.some(
    ({ isAlmostFull, totalBytes }) => isAlmostFull && totalBytes > sizeBytes * SHARED_FACTOR,
  );
  if (isShared) {
    return 'these volumes are folders on the disks of their machines: free space there, or delete items';
  }
  if (storageClass.kind === 'found' && !storageClass.allowsExpansion) {
    return (
      `the StorageClass ${storageClass.name} does not allow expansion: delete items, or set its allowVolumeExpansion ` +
      'if its driver can, and raise storage.size'
    );
  }
  const patch = `{"spec":{"storage":{"size":"${largerSize(sizeBytes)}"}}}`;
  return `enlarge all with: kubectl patch table ${name} -n ${namespace} --type merge -p '${patch}'`;
}

const GIBI = 2 ** 30;
const MEBI = 2 ** 20;

/** Half as much again. */
function largerSize(sizeBytes: number): string {
  const wished = sizeBytes * 1.5;
  return wished >= GIBI ? `${Math.ceil(wished / GIBI)}Gi` : `${Math.ceil(wished / MEBI)}Mi`;
}

function gibibytes(bytes: number): string {
  return `${(bytes / GIBI).toFixed(1)}Gi`;
}
