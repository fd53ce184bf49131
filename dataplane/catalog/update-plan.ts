import { tableRequestFaults, throughputRequestFaults } from '../errors/table-requests.ts';
import { tableFaults, tableLimitFaults } from '../errors/tables.ts';
import { checkTableClass } from './create-plan.ts';
import type {
  GlobalIndex,
  OnDemandMaximums,
  ProvisionedSetting,
  TableDescriptor,
} from './descriptor.ts';
import { planIndexUpdates } from './index-update-plan.ts';
import {
  DELETION_PROTECTION_COOLDOWN_MS,
  TABLE_CLASS_CHANGES_COUNT_MAX,
  TABLE_CLASS_WINDOW_MS,
} from './limits.ts';
import type { NextPartitionId } from './partition-plan.ts';
import { planStream } from './stream-rules.ts';
import type { OnDemandThroughput, UpdateTableRequest } from './table-request.ts';
import {
  changedProvisioned,
  checkOnDemand,
  checkProvisionedChange,
  checkUnitsQuota,
  mergedOnDemand,
  raisedWarm,
  saysSomething,
  whileUpdating,
} from './throughput-rules.ts';

export interface UpdateContext {
  readonly region: string;
  readonly nowMs: number;
  /** No stream of this name has this id or a higher one. */
  readonly streamIdMin: number;
  readonly nextPartitionId: NextPartitionId;
}

/** An accepted change. */
export interface UpdatePlan {
  /** To be made durable; what is unfinished in it is then finished by `transitions.ts`. */
  readonly table: TableDescriptor;
  /** The answer says UPDATING although nothing changes (a setting sent again). */
  readonly showsUpdating: boolean;
  /** The answer repeats on-demand maximums with -1 for lifted ones. */
  readonly onDemandEcho: OnDemandMaximums | undefined;
}

/**
 * The state-dependent rules of UpdateTable. `request` has passed `checkUpdateTable`.
 * @throws ClientFault ResourceInUseException, ResourceNotFoundException (index),
 *   LimitExceededException, ThrottlingException (cooldown), ValidationException
 * @see reference/dynamodb.md §8
 */
export function planUpdateTable(
  table: TableDescriptor,
  request: UpdateTableRequest,
  context: UpdateContext,
): UpdatePlan {
  if (table.status === 'CREATING') throw tableFaults.beingCreated(table.name);
  if (table.status === 'DELETING') throw tableFaults.beingDeleted(table.name);
  // What is left of it after the request's own rules asks to disable what is not enabled.
  if (request.SSESpecification !== undefined) throw tableRequestFaults.encryptedByDefault();
  if (request.DeletionProtectionEnabled !== undefined) {
    return planDeletionProtection(table, request.DeletionProtectionEnabled, context);
  }
  if (request.TableClass !== undefined) return planTableClass(table, request.TableClass, context);
  if (saysSomething(request.WarmThroughput)) return planWarm(table, request, context);
  const withStream = planStream(table, request.StreamSpecification, context);
  const withUnits = planThroughput(withStream, request, context);
  const withIndexes = planIndexUpdates(withUnits, request, { ...context, before: table });
  const onDemand = planOnDemand(withIndexes, request, { ...context, before: table });
  const isModeResent = request.BillingMode === table.billingMode;
  return {
    ...onDemand,
    showsUpdating: isModeResent && request.ProvisionedThroughput === undefined,
  };
}

function plain(table: TableDescriptor): UpdatePlan {
  return { table, showsUpdating: false, onDemandEcho: undefined };
}

function planDeletionProtection(
  table: TableDescriptor,
  enabled: boolean,
  { nowMs }: UpdateContext,
): UpdatePlan {
  const untilMs =
    (table.deletionProtection.changedAtMs ?? Number.NEGATIVE_INFINITY) +
    DELETION_PROTECTION_COOLDOWN_MS;
  if (nowMs < untilMs) {
    throw tableFaults.deletionProtectionCooldown(
      table.name,
      DELETION_PROTECTION_COOLDOWN_MS,
      untilMs,
    );
  }
  return plain({ ...table, deletionProtection: { enabled, changedAtMs: nowMs } });
}

function planTableClass(
  table: TableDescriptor,
  requested: string,
  { nowMs }: UpdateContext,
): UpdatePlan {
  const tableClass = checkTableClass(requested);
  if (table.pending?.kind === 'tableClass') {
    throw tableFaults.tableClassUpdating(table.name, table.pending.tableClass.tableClass);
  }
  if (table.pending !== undefined) throw tableFaults.throughputUpdating(table.name);
  if (tableClass === 'STANDARD' && table.tableClass === undefined) {
    return { ...plain(table), showsUpdating: true };
  }
  const recent = table.tableClassChangesMs.filter((ms) => nowMs - ms < TABLE_CLASS_WINDOW_MS);
  if (recent.length >= TABLE_CLASS_CHANGES_COUNT_MAX) throw tableLimitFaults.tableClassChanges();
  if (tableClass === table.tableClass?.tableClass) return { ...plain(table), showsUpdating: true };
  return plain({
    ...table,
    pending: { kind: 'tableClass', tableClass: { tableClass, changedAtMs: nowMs } },
    tableClassChangesMs: [...recent, nowMs],
  });
}

function planWarm(
  table: TableDescriptor,
  request: UpdateTableRequest,
  { region }: UpdateContext,
): UpdatePlan {
  const current = table.throughput.warm;
  const warmPending = raisedWarm(request.WarmThroughput ?? {}, current, {
    index: undefined,
    region,
  });
  return plain({ ...table, warmPending });
}

function planThroughput(
  table: TableDescriptor,
  request: UpdateTableRequest,
  context: UpdateContext,
): TableDescriptor {
  const { BillingMode: mode, ProvisionedThroughput: units } = request;
  const isSwitch = mode !== undefined && mode !== table.billingMode;
  if (units === undefined && !isSwitch) return table;
  if ((mode ?? table.billingMode) === 'PAY_PER_REQUEST' && units !== undefined) {
    throw throughputRequestFaults.unitsNotAllowed();
  }
  checkIdleForThroughput(table);
  if (units === undefined) return switchedToOnDemand(table);
  checkUnitsQuota(units, { index: undefined, region: context.region });
  if (isSwitch) {
    checkEveryIndexHasUnits(table, request);
    return switchedToProvisioned(
      table,
      changedProvisioned(table.throughput.provisioned, units, context.nowMs),
    );
  }
  const current = table.throughput.provisioned;
  checkProvisionedChange(current, units, { index: undefined, nowMs: context.nowMs });
  const provisioned = changedProvisioned(current, units, context.nowMs);
  return {
    ...table,
    throughput: {
      ...table.throughput,
      provisioned: whileUpdating(current, provisioned, context.nowMs),
    },
    pending: { kind: 'throughput', provisioned, modeSwitched: false },
  };
}

function checkIdleForThroughput(table: TableDescriptor): void {
  if (table.pending?.kind === 'throughput') throw tableFaults.throughputUpdating(table.name);
  if (table.pending !== undefined) throw tableFaults.beingUpdated(table.name);
  const named = (indexes: readonly GlobalIndex[]) => indexes.map(({ name }) => name);
  const created = table.globalIndexes.filter(({ backfilling }) => backfilling === false);
  if (created.length > 0) {
    throw tableFaults.throughputDuringIndex(table.name, 'created', named(created));
  }
  const deleted = table.globalIndexes.filter(({ status }) => status === 'DELETING');
  if (deleted.length > 0) {
    throw tableFaults.throughputDuringIndex(table.name, 'deleted', named(deleted));
  }
}

/** All units become 0 at once; the table is UPDATING until the mode holds. */
function switchedToOnDemand(table: TableDescriptor): TableDescriptor {
  const unitless = (setting: ProvisionedSetting): ProvisionedSetting => ({
    ...setting,
    readUnits: 0,
    writeUnits: 0,
  });
  const provisioned = unitless(table.throughput.provisioned);
  return {
    ...table,
    billingMode: 'PAY_PER_REQUEST',
    throughput: { ...table.throughput, provisioned },
    pending: { kind: 'throughput', provisioned, modeSwitched: true },
    globalIndexes: table.globalIndexes.map((index) => ({
      ...index,
      status: index.status === 'ACTIVE' ? 'UPDATING' : index.status,
      throughput: { ...index.throughput, provisioned: unitless(index.throughput.provisioned) },
      // Units that were asked for and have not come yet go with the mode.
      provisionedPending: undefined,
    })),
  };
}

/** On-demand maximums go with the mode. The units are shown at once. */
function switchedToProvisioned(
  table: TableDescriptor,
  provisioned: ProvisionedSetting,
): TableDescriptor {
  const onDemand = { readUnits: undefined, writeUnits: undefined };
  return {
    ...table,
    billingMode: 'PROVISIONED',
    throughput: { ...table.throughput, provisioned, onDemand },
    pending: { kind: 'throughput', provisioned, modeSwitched: true },
    globalIndexes: table.globalIndexes.map((index) => ({
      ...index,
      throughput: { ...index.throughput, onDemand },
    })),
  };
}

function checkEveryIndexHasUnits(table: TableDescriptor, request: UpdateTableRequest): void {
  const given = new Set(
    (request.GlobalSecondaryIndexUpdates ?? []).flatMap(({ Update }) =>
      Update?.ProvisionedThroughput === undefined ? [] : [Update.IndexName],
    ),
  );
  const missing = table.globalIndexes.filter(({ name }) => !given.has(name));
  if (missing.length > 0) {
    throw throughputRequestFaults.indexThroughputRequired(
      missing.map(({ name }) => name).join(','),
    );
  }
}

/** Maximums hold at once. A switch away from on-demand mode has dropped them already. */
function planOnDemand(
  table: TableDescriptor,
  request: UpdateTableRequest,
  { region, before }: UpdateContext & { readonly before: TableDescriptor },
): UpdatePlan {
  const requested = request.OnDemandThroughput;
  if (requested === undefined || !saysSomething(requested)) return plain(table);
  const mode = table.billingMode;
  checkOnDemand(requested, { index: undefined, region, mode, operation: 'update' });
  checkIdleForOnDemand(before);
  const onDemand = mergedOnDemand(table.throughput.onDemand, requested);
  return {
    ...plain({ ...table, throughput: { ...table.throughput, onDemand } }),
    onDemandEcho: echoOf(table.throughput.onDemand, requested),
  };
}

function checkIdleForOnDemand(table: TableDescriptor): void {
  if (table.pending !== undefined) throw tableFaults.billingModeUpdating();
  const named = (isBusy: (index: GlobalIndex) => boolean) =>
    table.globalIndexes.filter(isBusy).map(({ name }) => name);
  const created = named(({ backfilling }) => backfilling === false);
  if (created.length > 0) throw tableFaults.onDemandDuringIndex('creation', created);
  const deleted = named(({ status }) => status === 'DELETING');
  if (deleted.length > 0) throw tableFaults.onDemandDuringIndex('deletion', deleted);
}

function echoOf(current: OnDemandMaximums, requested: OnDemandThroughput): OnDemandMaximums {
  return {
    readUnits: requested.MaxReadRequestUnits ?? current.readUnits,
    writeUnits: requested.MaxWriteRequestUnits ?? current.writeUnits,
  };
}
