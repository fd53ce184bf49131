import type { MaximumsShown, UnitsShown, WarmShown } from './table-description.ts';
import type { OnDemandThroughput, ProvisionedThroughput, WarmThroughput } from './table-types.ts';

/** A change that lowers one of the two units counts as a decrease. */
export type ThroughputStep = 'raise' | 'lower';

export interface UnitsChange {
  readonly step: ThroughputStep;
  /** ProvisionedThroughput of a request: always both units. */
  readonly units: Required<UnitsShown>;
}

/** How provisioned units are to change; undefined when they are as wanted, or nothing is. */
export function throughputStep(
  current: UnitsShown | undefined,
  wanted: ProvisionedThroughput | undefined,
): UnitsChange | undefined {
  if (wanted === undefined) return undefined;
  const { ReadCapacityUnits: read = 0, WriteCapacityUnits: write = 0 } = current ?? {};
  const { readCapacityUnits, writeCapacityUnits } = wanted;
  if (readCapacityUnits === read && writeCapacityUnits === write) return undefined;
  const isLower = readCapacityUnits < read || writeCapacityUnits < write;
  return {
    step: isLower ? 'lower' : 'raise',
    units: { ReadCapacityUnits: readCapacityUnits, WriteCapacityUnits: writeCapacityUnits },
  };
}

const LIFTED = -1;

/** OnDemandThroughput of a request: the maximums that differ, -1 for one to lift. */
export function maximumsChange(
  current: MaximumsShown | undefined,
  wanted: OnDemandThroughput | undefined,
): MaximumsShown | undefined {
  const read = wanted?.maxReadRequestUnits ?? LIFTED;
  const write = wanted?.maxWriteRequestUnits ?? LIFTED;
  const isReadKept = read === (current?.MaxReadRequestUnits ?? LIFTED);
  const isWriteKept = write === (current?.MaxWriteRequestUnits ?? LIFTED);
  if (isReadKept && isWriteKept) return undefined;
  return {
    ...(isReadKept ? {} : { MaxReadRequestUnits: read }),
    ...(isWriteKept ? {} : { MaxWriteRequestUnits: write }),
  };
}

/** WarmThroughput of a request: what is below the spec; it is never lowered. Not while it changes. */
export function warmRaise(
  current: WarmShown | undefined,
  wanted: WarmThroughput | undefined,
): Omit<WarmShown, 'Status'> | undefined {
  if (wanted === undefined || current === undefined || current.Status === 'UPDATING') {
    return undefined;
  }
  const { readUnitsPerSecond: read, writeUnitsPerSecond: write } = wanted;
  const isReadRaised = read !== undefined && read > (current.ReadUnitsPerSecond ?? 0);
  const isWriteRaised = write !== undefined && write > (current.WriteUnitsPerSecond ?? 0);
  if (!isReadRaised && !isWriteRaised) return undefined;
  return {
    ...(isReadRaised ? { ReadUnitsPerSecond: read } : {}),
    ...(isWriteRaised ? { WriteUnitsPerSecond: write } : {}),
  };
}
