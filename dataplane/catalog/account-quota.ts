import { tableLimitFaults } from '../errors/tables.ts';
import type { ProvisionedSetting, TableDescriptor } from './descriptor.ts';
import { ACCOUNT_UNITS_MAX } from './limits.ts';

interface Change {
  readonly region: string;
  /** The table as it is; undefined when it is new. */
  readonly before: TableDescriptor | undefined;
  readonly after: TableDescriptor;
  /** All tables of the account, as they are. */
  readonly all: Iterable<TableDescriptor>;
}

/**
 * Provisioned units of all tables and their global indexes together stay inside the account's quota.
 * Only a change that raises them is looked at.
 * @throws ClientFault LimitExceededException
 * @see reference/dynamodb.md §2 (account quotas)
 */
export function checkAccountUnits({ region, before, after, all }: Change): void {
  const wanted = reservedUnits(after);
  const current = before === undefined ? { readUnits: 0, writeUnits: 0 } : reservedUnits(before);
  const raises = wanted.readUnits > current.readUnits || wanted.writeUnits > current.writeUnits;
  if (!raises) return;
  const reserved = { readUnits: 0, writeUnits: 0 };
  for (const table of all) {
    const { readUnits, writeUnits } = reservedUnits(table);
    reserved.readUnits += readUnits;
    reserved.writeUnits += writeUnits;
  }
  for (const [unit, kept] of [
    ['ReadCapacityUnits', 'readUnits'],
    ['WriteCapacityUnits', 'writeUnits'],
  ] as const) {
    const requested = wanted[kept] - current[kept];
    if (requested > 0 && reserved[kept] + requested > ACCOUNT_UNITS_MAX) {
      const units = { region, reserved: reserved[kept], max: ACCOUNT_UNITS_MAX, requested };
      throw tableLimitFaults.accountUnits(unit, units);
    }
  }
}

type Reserved = Pick<ProvisionedSetting, 'readUnits' | 'writeUnits'>;

function reservedUnits(table: TableDescriptor): Reserved {
  const settings: Reserved[] = table.globalIndexes.map(
    (index) => index.provisionedPending ?? index.throughput.provisioned,
  );
  const own =
    table.pending?.kind === 'throughput' ? table.pending.provisioned : table.throughput.provisioned;
  return [...settings, own].reduce((sum, setting) => ({
    readUnits: sum.readUnits + setting.readUnits,
    writeUnits: sum.writeUnits + setting.writeUnits,
  }));
}
