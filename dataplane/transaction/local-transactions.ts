import { randomBytes } from 'node:crypto';
import { systemScheduler } from '../replication/scheduler.ts';
import { TransactionCoordinator } from './coordinator.ts';
import { type LocalTablesOptions, LocalTransactionTables } from './local-tables.ts';

export interface LocalTransactionsOptions extends LocalTablesOptions {
  readonly log?: (event: string, fields: Readonly<Record<string, unknown>>) => void;
}

/**
 * The coordinator of a process that has all tables in its own store. What an earlier process left is
 * finished when this resolves.
 */
export async function startLocalTransactions(
  options: LocalTransactionsOptions,
): Promise<TransactionCoordinator> {
  const tables = new LocalTransactionTables(options);
  const { log = () => undefined } = options;
  const scheduler = systemScheduler;
  const coordinator = new TransactionCoordinator({ tables, scheduler, randomBytes, log });
  await coordinator.recovery.settleAbandoned(tables.partitions());
  coordinator.recovery.start();
  return coordinator;
}
