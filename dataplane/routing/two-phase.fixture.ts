import { claimOf, decideAbort, decideCommit, idOf } from '../partition/transaction.fixture.ts';
import type { LedgerPlace, Participant, TransactionCommand } from '../partition/transaction.ts';
import type { Table } from './table.ts';

/** What of a table transactions need. */
export type TransactionTable = Pick<
  Table,
  'schema' | 'partitionOf' | 'partitionOfHash' | 'transact'
>;

/** A transaction in the hands of a test: commands by the partition that has their items. */
export class TwoPhases {
  readonly name: string;
  readonly ledger: LedgerPlace;
  readonly participants: readonly Participant[];
  readonly #commands: ReadonlyMap<bigint, readonly TransactionCommand[]>;
  attempt = 0;
  timestamp = 0;

  constructor(table: TransactionTable, name: string, commands: readonly TransactionCommand[]) {
    const { tableId, tableName } = table.schema;
    const placed = (partitionId: bigint) => ({ tableId, tableName, partitionId });
    this.name = name;
    this.ledger = placed(table.partitionOfHash(idOf(name)));
    this.#commands = Map.groupBy(commands, ({ key }) => table.partitionOf(key));
    this.participants = [...this.#commands.keys()].map(placed);
  }

  async claim(table: TransactionTable): Promise<void> {
    const answer = await table.transact(this.ledger.partitionId, claimOf(this.name));
    if (answer.kind !== 'claimed') throw new Error(`the claim of ${this.name}: ${answer.kind}`);
    this.attempt = answer.attempt;
  }

  /** Whether all have accepted. */
  async prepare(table: TransactionTable): Promise<boolean> {
    const { ledger, attempt: number, name } = this;
    const answers = await Promise.all(
      [...this.#commands].map(([partitionId, commands]) =>
        table.transact(partitionId, {
          kind: 'prepare',
          attempt: { id: idOf(name), number },
          ledger,
          commands,
          exhaustedIndexes: [],
        }),
      ),
    );
    this.timestamp = Math.max(...answers.map(({ timestampMin }) => timestampMin));
    return answers.every(({ timestampMin }) => timestampMin > 0);
  }

  /** Whether it is committed, whatever was wanted. */
  async decide(table: TransactionTable, isCommit: boolean): Promise<boolean> {
    const { name, timestamp, attempt: number, participants } = this;
    const call = isCommit
      ? decideCommit(name, timestamp, { number, participants: [...participants] })
      : decideAbort(name, number);
    const outcome = await table.transact(this.ledger.partitionId, call);
    if (outcome.kind === 'committed') this.timestamp = outcome.timestamp;
    return outcome.kind === 'committed';
  }

  /** At one participant; how many items were finished. */
  async finishAt(
    table: TransactionTable,
    partitionId: bigint,
    isCommitted: boolean,
  ): Promise<number> {
    const { timestamp, attempt: number, name } = this;
    const outcome = isCommitted
      ? ({ kind: 'commit', timestamp } as const)
      : ({ kind: 'abort' } as const);
    const attempt = { id: idOf(name), number };
    const answer = await table.transact(partitionId, { kind: 'finish', attempt, outcome });
    return answer.finishedCount;
  }

  async finish(table: TransactionTable, isCommitted: boolean): Promise<void> {
    await Promise.all(
      this.participants.map(({ partitionId }) => this.finishAt(table, partitionId, isCommitted)),
    );
  }

  /** From the claim to the last finish; whether it is committed. */
  async run(table: TransactionTable): Promise<boolean> {
    await this.claim(table);
    const isCommitted = await this.decide(table, await this.prepare(table));
    await this.finish(table, isCommitted);
    return isCommitted;
  }
}

/** What anybody does who meets marks whose coordinator is gone; how many items were finished. */
export async function recover(
  table: TransactionTable,
  partitionIds: readonly bigint[],
  { isAll = true } = {},
): Promise<number> {
  let finished = 0;
  for (const partitionId of partitionIds) {
    const { marks } = await table.transact(partitionId, { kind: 'stalled', isAll });
    for (const { attempt, ledger } of marks) {
      const call = { kind: 'resolve', attempt, isAbandoned: isAll } as const;
      const resolved = await table.transact(ledger.partitionId, call);
      if (resolved.kind === 'inProgress') continue;
      const outcome =
        resolved.kind === 'committed'
          ? ({ kind: 'commit', timestamp: resolved.timestamp } as const)
          : ({ kind: 'abort' } as const);
      const answer = await table.transact(partitionId, { kind: 'finish', attempt, outcome });
      finished += answer.finishedCount;
    }
  }
  return finished;
}
