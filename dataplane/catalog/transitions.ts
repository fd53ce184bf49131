import {
  type GlobalIndex,
  type RetiredTable,
  type TableDescriptor,
  type TimeToLiveSetting,
  withGlobalIndex,
} from './descriptor.ts';
import { usedDefinitions } from './key-schema-rules.ts';
import { endStream, isReadable } from './stream-rules.ts';
import { defaultWarm, highestWarm } from './throughput-rules.ts';

/**
 * How what was accepted becomes what holds. All functions are pure and idempotent: they are run
 * after the answer, and again when the catalog is opened after a crash.
 */

/** A created table, ACTIVE together with all its indexes. Its partitions are open by now. */
export function finishCreation(table: TableDescriptor): TableDescriptor {
  return {
    ...table,
    status: 'ACTIVE',
    onDemandSinceMs: table.billingMode === 'PAY_PER_REQUEST' ? table.createdAtMs : undefined,
    globalIndexes: table.globalIndexes.map((index) => ({ ...index, status: 'ACTIVE' })),
  };
}

/** Whether there is a change of settings to finish. */
export function hasPendingSettings(table: TableDescriptor): boolean {
  return (
    table.pending !== undefined ||
    table.warmPending !== undefined ||
    table.globalIndexes.some(
      (index) => index.status === 'UPDATING' || index.warmPending !== undefined,
    )
  );
}

/** Throughput, billing mode, warm throughput and table class as accepted. */
export function finishSettings(table: TableDescriptor, nowMs: number): TableDescriptor {
  const { pending } = table;
  const provisioned =
    pending?.kind === 'throughput' ? pending.provisioned : table.throughput.provisioned;
  const becameOnDemand =
    pending?.kind === 'throughput' &&
    pending.modeSwitched &&
    table.billingMode === 'PAY_PER_REQUEST';
  const least = defaultWarm(table.billingMode, provisioned);
  return {
    ...table,
    throughput: {
      ...table.throughput,
      provisioned,
      warm: highestWarm(table.warmPending ?? table.throughput.warm, least),
    },
    onDemandSinceMs: becameOnDemand ? nowMs : table.onDemandSinceMs,
    tableClass: pending?.kind === 'tableClass' ? pending.tableClass : table.tableClass,
    pending: undefined,
    warmPending: undefined,
    globalIndexes: table.globalIndexes.map((index) => finishIndexSettings(index, table)),
  };
}

function finishIndexSettings(index: GlobalIndex, { billingMode }: TableDescriptor): GlobalIndex {
  const provisioned = index.provisionedPending ?? index.throughput.provisioned;
  const least = defaultWarm(billingMode, provisioned);
  return {
    ...index,
    status: index.status === 'UPDATING' ? 'ACTIVE' : index.status,
    throughput: {
      ...index.throughput,
      provisioned,
      warm: highestWarm(index.warmPending ?? index.throughput.warm, least),
    },
    provisionedPending: undefined,
    warmPending: undefined,
  };
}

/** The new index has its partitions and takes writes; existing items are to be fed to it. */
export function startBackfill(table: TableDescriptor, index: GlobalIndex): TableDescriptor {
  return withGlobalIndex(table, index.name, { ...index, backfilling: true });
}

export function finishBackfill(table: TableDescriptor, index: GlobalIndex): TableDescriptor {
  return withGlobalIndex(table, index.name, {
    ...index,
    status: 'ACTIVE',
    backfilling: undefined,
  });
}

/** The index is gone, and so are the definitions that only its key used. */
export function removeIndex(table: TableDescriptor, name: string): TableDescriptor {
  const without = withGlobalIndex(table, name, undefined);
  return {
    ...without,
    attributeDefinitions: usedDefinitions(
      table.attributeDefinitions,
      [without, ...without.localIndexes, ...without.globalIndexes].map((part) => part.keySchema),
    ),
  };
}

/** All partitions have taken up that a stream was enabled or disabled. */
export function finishStream(table: TableDescriptor): TableDescriptor {
  return { ...table, streamPending: false };
}

/** What is left of a table that is deleted, if it has streams that are to stay readable. */
export function retiredTable(table: TableDescriptor, nowMs: number): RetiredTable | undefined {
  const ended = table.stream === undefined ? table : endStream(table, table.stream, nowMs);
  const endedStreams = ended.endedStreams.filter((stream) => isReadable(stream, nowMs));
  if (endedStreams.length === 0) return undefined;
  const left = { ...ended, endedStreams, localIndexes: [], globalIndexes: [] };
  return { table: left, retiredAtMs: nowMs, isCleared: false };
}

export function finishTimeToLive(setting: TimeToLiveSetting): TimeToLiveSetting {
  switch (setting.status) {
    case 'ENABLING':
      return { ...setting, status: 'ENABLED' };
    case 'DISABLING':
      return { ...setting, status: 'DISABLED', attribute: undefined };
    default:
      return setting;
  }
}
