import type { TransactionCommand } from '../partition/transaction.ts';
import type { Table } from '../routing/table.ts';
import { TransactionCoordinator } from './coordinator.ts';
import { requestDigest } from './digest.ts';
import type { ModelTable } from './model-table.fixture.ts';
import type { TransactionAction, TransactionWriteRequest } from './requests.ts';
import type { TransactionTables } from './tables.ts';
import type { VirtualTime } from './virtual-time.fixture.ts';

export interface ModelCoordinatorOptions {
  readonly tables: readonly ModelTable[];
  readonly time: VirtualTime;
  readonly random: () => number;
  /** The coordinator's process has died: nothing it sends arrives, and it hears nothing. */
  readonly isDead?: () => boolean;
  readonly inFlightMax?: number;
}

/** A coordinator over model tables, with its own view of them. */
export function modelCoordinator(options: ModelCoordinatorOptions) {
  const { tables, time, random, isDead = () => false, inFlightMax } = options;
  const views = new Map(tables.map((table) => [table.schema.tableId, viewOf(table, isDead)]));
  const known: TransactionTables = {
    byId: (tableId) => views.get(tableId),
    isDeleted: async ({ tableId }) =>
      tables.find(({ schema }) => schema.tableId === tableId)?.isDeleted ?? true,
    *stalled() {
      for (const { schema, partitions } of tables) {
        for (const { id } of partitions) yield { tableId: schema.tableId, partitionId: id };
      }
    },
  };
  const coordinator = new TransactionCoordinator({
    tables: known,
    scheduler: time,
    randomBytes: (count) => Uint8Array.from({ length: count }, () => Math.floor(random() * 256)),
    ...(inFlightMax !== undefined && { inFlightMax }),
  });
  const view = (table: ModelTable): Table => views.get(table.schema.tableId) ?? table;
  return { coordinator, view };
}

function viewOf(table: ModelTable, isDead: () => boolean): Table {
  const view: Table = Object.create(table);
  view.transact = (partitionId, call) => {
    if (isDead()) return new Promise(() => undefined);
    return table.transact(partitionId, call).then((answer) => {
      // A process that has died does not go on.
      return isDead() ? new Promise<never>(() => undefined) : answer;
    });
  };
  return view;
}

export function requestOf(
  actions: readonly (readonly [Table, TransactionCommand])[],
  token?: string,
): TransactionWriteRequest {
  const all: readonly TransactionAction[] = actions.map(([table, command]) => ({
    table,
    command,
    returnsItemOnFailure: false,
  }));
  return { actions: all, token, digest: requestDigest('Test', all) };
}
