import { throughputRequestFaults } from '../errors/table-requests.ts';
import { type CapacityUnit, tableLimitFaults } from '../errors/tables.ts';
import type { BillingMode, OnDemandMaximums, ProvisionedSetting, WarmUnits } from './descriptor.ts';
import { decreasesToday, utcDay } from './descriptor.ts';
import {
  CAPACITY_UNITS_BOUND,
  DECREASE_INTERVAL_MS,
  DECREASES_PER_DAY_FREE,
  ON_DEMAND_READ_UNITS_INITIAL,
  ON_DEMAND_WRITE_UNITS_INITIAL,
  TABLE_UNITS_MAX,
} from './limits.ts';
import type { OnDemandThroughput, ProvisionedThroughput, WarmThroughput } from './table-request.ts';

/** The table (index undefined) or the index that a rule is about. */
export interface Subject {
  readonly index: string | undefined;
  readonly region: string;
}

const UNITS = ['ReadCapacityUnits', 'WriteCapacityUnits'] as const satisfies CapacityUnit[];
const ON_DEMAND = [
  { member: 'MaxReadRequestUnits', quota: 'TableMaxReadCapacityUnits' },
  { member: 'MaxWriteRequestUnits', quota: 'TableMaxWriteCapacityUnits' },
] as const;
const WARM = [
  {
    member: 'ReadUnitsPerSecond',
    quota: 'TableMaxReadCapacityUnits',
    unit: 'ReadCapacityUnits',
    kept: 'readUnits',
  },
  {
    member: 'WriteUnitsPerSecond',
    quota: 'TableMaxWriteCapacityUnits',
    unit: 'WriteCapacityUnits',
    kept: 'writeUnits',
  },
] as const;

/** @throws ClientFault ValidationException for values beyond any bound. */
export function checkUnitsBound(requested: ProvisionedThroughput): void {
  for (const unit of UNITS) {
    if (requested[unit] > CAPACITY_UNITS_BOUND) {
      throw throughputRequestFaults.unitsOutOfBounds(unit, requested[unit]);
    }
  }
}

/** Whether `checkUnitsBound` refuses these. */
export function isBeyondBound(requested: ProvisionedThroughput): boolean {
  return UNITS.some((unit) => requested[unit] > CAPACITY_UNITS_BOUND);
}

/** @throws ClientFault LimitExceededException above the quota of a table or index. */
export function checkUnitsQuota(
  requested: ProvisionedThroughput,
  { index, region }: Subject,
): void {
  for (const unit of UNITS) {
    const value = requested[unit];
    if (value <= TABLE_UNITS_MAX) continue;
    throw index === undefined
      ? tableLimitFaults.tableUnits(unit, value, region, TABLE_UNITS_MAX)
      : tableLimitFaults.indexUnits(unit, value, { index, region, max: TABLE_UNITS_MAX });
  }
}

/** Provisioned units as a table or index starts with them; none in on-demand mode. */
export function initialProvisioned(
  requested: ProvisionedThroughput | undefined,
): ProvisionedSetting {
  return {
    readUnits: requested?.ReadCapacityUnits ?? 0,
    writeUnits: requested?.WriteCapacityUnits ?? 0,
    lastIncreaseAtMs: undefined,
    lastDecreaseAtMs: undefined,
    decreasesCount: 0,
  };
}

/**
 * The setting after a change of provisioned units: dates and the count of decreases move.
 * A call that lowers both units counts as one decrease.
 */
export function changedProvisioned(
  current: ProvisionedSetting,
  requested: ProvisionedThroughput,
  nowMs: number,
): ProvisionedSetting {
  const { readUnits, writeUnits } = initialProvisioned(requested);
  const isIncrease = readUnits > current.readUnits || writeUnits > current.writeUnits;
  const isDecrease = readUnits < current.readUnits || writeUnits < current.writeUnits;
  return {
    readUnits,
    writeUnits,
    lastIncreaseAtMs: isIncrease ? nowMs : current.lastIncreaseAtMs,
    lastDecreaseAtMs: isDecrease ? nowMs : current.lastDecreaseAtMs,
    decreasesCount: isDecrease ? decreasesToday(current, nowMs) + 1 : current.decreasesCount,
  };
}

/** What is shown until the new units hold: old units and count, new dates. */
export function whileUpdating(
  current: ProvisionedSetting,
  wanted: ProvisionedSetting,
  nowMs: number,
): ProvisionedSetting {
  return {
    ...wanted,
    readUnits: current.readUnits,
    writeUnits: current.writeUnits,
    decreasesCount: decreasesToday(current, nowMs),
  };
}

/**
 * A change of provisioned units must change something and stay inside the daily decreases: four at
 * once, then one an hour after the last, until midnight UTC. Tables and indexes count apart.
 * @throws ClientFault ValidationException, LimitExceededException
 */
export function checkProvisionedChange(
  current: ProvisionedSetting,
  requested: ProvisionedThroughput,
  { index, nowMs }: { readonly index: string | undefined; readonly nowMs: number },
): void {
  const wanted = initialProvisioned(requested);
  if (wanted.readUnits === current.readUnits && wanted.writeUnits === current.writeUnits) {
    throw index === undefined
      ? throughputRequestFaults.unchanged(current, wanted)
      : throughputRequestFaults.indexUnchanged(index, current, wanted);
  }
  const isDecrease = wanted.readUnits < current.readUnits || wanted.writeUnits < current.writeUnits;
  const count = decreasesToday(current, nowMs);
  if (!isDecrease || count < DECREASES_PER_DAY_FREE) return;
  const lastMs = current.lastDecreaseAtMs ?? nowMs;
  const nextMs = Math.min(lastMs + DECREASE_INTERVAL_MS, (utcDay(nowMs) + 1) * 86_400_000);
  if (nowMs < nextMs) throw tableLimitFaults.decreases(count, lastMs, nextMs);
}

/**
 * On-demand maximums of a request: only in on-demand mode, at least 1; -1 (lift) only for what exists.
 * @throws ClientFault
 */
export function checkOnDemand(
  requested: OnDemandThroughput | undefined,
  rules: Subject & { readonly mode: BillingMode; readonly operation: 'create' | 'update' },
): void {
  const given = ON_DEMAND.flatMap(({ member, quota }) => {
    const value = requested?.[member];
    return value === undefined ? [] : [{ member, quota, value }];
  });
  const { index, region, mode, operation } = rules;
  if (mode === 'PROVISIONED' && given[0] !== undefined) {
    throw throughputRequestFaults.onDemandWhileProvisioned(given[0].member, { operation, index });
  }
  for (const { member, quota, value } of given) {
    const isLift = value === -1 && operation === 'update';
    if (value < 1 && !isLift) throw throughputRequestFaults.onDemandRange(member, index);
    if (value > TABLE_UNITS_MAX) {
      throw tableLimitFaults.onDemandMaximum(member, quota, { index, region });
    }
  }
}

/** Maximums merged member by member; -1 lifts one. */
export function mergedOnDemand(
  current: OnDemandMaximums,
  requested: OnDemandThroughput | undefined,
): OnDemandMaximums {
  const merge = (old: number | undefined, wanted: number | undefined) =>
    wanted === undefined ? old : wanted === -1 ? undefined : wanted;
  return {
    readUnits: merge(current.readUnits, requested?.MaxReadRequestUnits),
    writeUnits: merge(current.writeUnits, requested?.MaxWriteRequestUnits),
  };
}

/** Warm throughput that a table or index has without asking. */
export function defaultWarm(mode: BillingMode, provisioned: ProvisionedSetting): WarmUnits {
  return mode === 'PROVISIONED'
    ? { readUnits: provisioned.readUnits, writeUnits: provisioned.writeUnits }
    : { readUnits: ON_DEMAND_READ_UNITS_INITIAL, writeUnits: ON_DEMAND_WRITE_UNITS_INITIAL };
}

/**
 * Warm throughput of something new: what is asked for, not below what it has anyway.
 * @throws ClientFault
 */
export function initialWarm(
  requested: WarmThroughput | undefined,
  least: WarmUnits,
  rules: Subject & { readonly mode: BillingMode },
): WarmUnits {
  for (const { member, quota, unit, kept } of WARM) {
    const value = requested?.[member];
    if (value === undefined) continue;
    if (value < least[kept]) {
      throw rules.mode === 'PROVISIONED'
        ? throughputRequestFaults.warmBelowProvisioned(member, unit, rules.index)
        : throughputRequestFaults.warmBelowInitial(member, rules.index);
    }
    if (value > TABLE_UNITS_MAX) throw tableLimitFaults.warmMaximum(member, quota, rules);
  }
  return mergedWarm(least, requested);
}

/** Warm throughput of what exists: it never falls. @throws ClientFault */
export function raisedWarm(
  requested: WarmThroughput,
  current: WarmUnits,
  subject: Subject,
): WarmUnits {
  for (const { member, quota, kept } of WARM) {
    const value = requested[member];
    if (value === undefined) continue;
    if (value < current[kept]) throw throughputRequestFaults.warmDecrease(member, subject.index);
    if (value > Math.max(TABLE_UNITS_MAX, current[kept])) {
      throw tableLimitFaults.warmMaximum(member, quota, subject);
    }
  }
  return mergedWarm(current, requested);
}

export function highestWarm(a: WarmUnits, b: WarmUnits): WarmUnits {
  return {
    readUnits: Math.max(a.readUnits, b.readUnits),
    writeUnits: Math.max(a.writeUnits, b.writeUnits),
  };
}

/** Whether a struct is there and says something: an empty one counts as absent. */
export function saysSomething(requested: object | undefined): boolean {
  return (
    requested !== undefined &&
    Object.values(requested).some((value: unknown) => value !== undefined)
  );
}

function mergedWarm(current: WarmUnits, requested: WarmThroughput | undefined): WarmUnits {
  return {
    readUnits: requested?.ReadUnitsPerSecond ?? current.readUnits,
    writeUnits: requested?.WriteUnitsPerSecond ?? current.writeUnits,
  };
}
