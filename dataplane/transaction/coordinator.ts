import { ClientFault } from '../errors/client-fault.ts';
import { transactionFaults } from '../errors/transactions.ts';
import { transportFaults } from '../errors/transport.ts';
import { project } from '../expression/project.ts';
import type { Item } from '../item/attribute-value.ts';
import { readUnits, tableCapacity } from '../partition/capacity.ts';
import type { Capacity } from '../partition/command.ts';
import type { Scheduler } from '../replication/scheduler.ts';
import { REQUEST_DEADLINE_MS } from '../routing/protocol.ts';
import { Deadline } from './deadline.ts';
import { tokenId } from './digest.ts';
import { Finisher } from './finisher.ts';
import { KnownTokens } from './known-tokens.ts';
import { TransactionCounts, type TransactionMetrics, type TransactionOutcome } from './metrics.ts';
import { PartitionCalls } from './partition-calls.ts';
import { elementsAt, placementOf, sharesOf } from './placement.ts';
import { Recovery } from './recovery.ts';
import type {
  CancellationReason,
  Cancelled,
  TransactionGet,
  TransactionReadItem,
  TransactionReadResult,
  Transactions,
  TransactionWriteRequest,
  TransactionWriteResult,
} from './requests.ts';
import type { Accepted, Run, RunParts, RunResult } from './run.ts';
import { runInOnePartition } from './single-partition-run.ts';
import { type ReadItem, readSnapshot } from './snapshot-read.ts';
import type { TransactionTables } from './tables.ts';
import { TwoPhaseRun } from './two-phase-run.ts';

/** Transactions of one process at once; of 4 MB each at most, which the endpoint's bounds keep rare. */
export const TRANSACTIONS_IN_FLIGHT_MAX = 1_000;
const ID_BYTES = 16;

export interface CoordinatorOptions {
  readonly tables: TransactionTables;
  readonly scheduler: Scheduler;
  /** Unpredictable: ids of transactions must not meet. */
  readonly randomBytes: (count: number) => Uint8Array;
  readonly log?: (event: string, fields: Readonly<Record<string, unknown>>) => void;
  readonly inFlightMax?: number;
}

/**
 * Runs transactions. Any process may, and several do at the same time: what they have to agree on
 * is in the partitions. It keeps nothing that matters when it dies.
 */
export class TransactionCoordinator implements Transactions {
  readonly recovery: Recovery;
  readonly #options: CoordinatorOptions;
  readonly #counts = new TransactionCounts();
  readonly #knownTokens = new KnownTokens();
  readonly #parts: RunParts;

  constructor(options: CoordinatorOptions) {
    const { scheduler, randomBytes, tables, log = () => undefined } = options;
    const counts = this.#counts;
    const random = () => Buffer.from(randomBytes(4)).readUInt32BE() / 2 ** 32;
    const onRetry = () => {
      counts.retries += 1;
    };
    const calls = new PartitionCalls({ scheduler, random, onRetry });
    const finisher = new Finisher({ calls, scheduler, tables });
    const recovery = new Recovery({ tables, calls, finisher, scheduler, random, counts, log });
    this.#options = options;
    this.recovery = recovery;
    this.#parts = {
      calls,
      finisher,
      counts,
      onStalled: (place, mark) => recovery.noteStalled(place, mark),
    };
  }

  get metrics(): TransactionMetrics {
    return this.#counts;
  }

  write(request: TransactionWriteRequest): Promise<TransactionWriteResult> {
    return this.#counted(transactionFaults.fateUnknown, (deadline) =>
      this.#write(request, deadline),
    );
  }

  read(gets: readonly TransactionGet[]): Promise<TransactionReadResult> {
    return this.#counted(transactionFaults.notDone, async (deadline) => {
      const result = await readSnapshot(this.#parts, gets, deadline);
      if (result.kind === 'refused') return this.#cancelled(result.reasons);
      return { kind: 'read', items: result.items.map((item, at) => shown(item, gets[at])) };
    });
  }

  /** Stops looking after others' transactions, and resolves when nothing is under way behind answers. */
  async close(): Promise<void> {
    await Promise.all([this.recovery.close(), this.#parts.finisher.settled()]);
  }

  async #write(
    request: TransactionWriteRequest,
    deadline: Deadline,
  ): Promise<TransactionWriteResult> {
    const { actions, token, digest } = request;
    const { randomBytes, scheduler } = this.#options;
    const hasToken = token !== undefined;
    const id = hasToken ? tokenId(token) : randomBytes(ID_BYTES);
    if (hasToken && this.#knownTokens.isOfOther(id, digest, scheduler.monotonicMs())) {
      throw transactionFaults.tokenMismatch();
    }
    const placed = actions.map(({ table, command: { key } }) => ({ table, key }));
    const placement = placementOf(placed, id, { hasToken });
    const runId = randomBytes(ID_BYTES);
    const run: Run = { id, runId, digest, hasToken, actions, placement, deadline };
    const result = await this.#run(run);
    if (hasToken && result.kind !== 'refused') {
      this.#knownTokens.note(id, digest, scheduler.monotonicMs());
    }
    switch (result.kind) {
      case 'committed':
        return { kind: 'committed', actions: result.outcomes.map(charged) };
      case 'refused':
        return this.#cancelled(result.reasons);
      case 'repeated':
        return { kind: 'repeated', capacities: await this.#repeatCapacities(placed, deadline) };
    }
  }

  async #run(run: Run): Promise<RunResult> {
    const [share, ...others] = run.placement.shares;
    let attempt: number | undefined;
    if (share !== undefined && others.length === 0) {
      const result = await runInOnePartition(this.#parts, run, share);
      if (result.kind !== 'tooLarge') return result;
      attempt = result.attempt;
    }
    return new TwoPhaseRun(this.#parts, run, attempt).result();
  }

  #cancelled(reasons: readonly CancellationReason[]): Cancelled {
    this.#counts.cancelled(reasons);
    return { kind: 'cancelled', reasons };
  }

  /**
   * A repeat is charged for reading the items.
   * Differs: as they are now; the service has them as they were. An item that cannot be read costs
   * the least.
   */
  async #repeatCapacities(
    gets: readonly Pick<TransactionGet, 'table' | 'key'>[],
    deadline: Deadline,
  ): Promise<readonly Capacity[]> {
    const bytes = gets.map(() => 0);
    const reading = sharesOf(gets).map(async (share) => {
      const keys = elementsAt(gets, share.indexes).map(({ key }) => key);
      const { items } = await this.#parts.calls.once(share, { kind: 'read', keys }, deadline);
      for (const [at, index] of share.indexes.entries()) {
        const item = items[at];
        if (item?.kind === 'item') bytes[index] = item.bytes;
      }
    });
    await Promise.allSettled(reading);
    return bytes.map(readCapacity);
  }

  /** Bounds how many run, and for how long, and counts what comes of them. */
  async #counted<Result extends { readonly kind: TransactionOutcome }>(
    late: () => ClientFault,
    work: (deadline: Deadline) => Promise<Result>,
  ): Promise<Result> {
    const counts = this.#counts;
    const { inFlightMax = TRANSACTIONS_IN_FLIGHT_MAX, scheduler } = this.#options;
    if (counts.inFlight >= inFlightMax) {
      counts.ended('refused');
      throw transportFaults.shed();
    }
    counts.inFlight += 1;
    const deadline = new Deadline(scheduler, REQUEST_DEADLINE_MS, late);
    try {
      const result = await work(deadline);
      counts.ended(result.kind);
      return result;
    } catch (error) {
      const isRefused = error instanceof ClientFault && error.type !== 'InternalServerError';
      counts.ended(isRefused ? 'refused' : 'failed');
      throw error;
    } finally {
      counts.inFlight -= 1;
      deadline.cancel();
    }
  }
}

/**
 * Twice the units of a plain write for the table; what indexes cost is not doubled.
 * @see nubo-db/dynoxide tests/transactional_index_consumed_capacity.rs (captures of August 2026)
 */
function charged({ capacity, collectionBytes }: Accepted) {
  return { capacity: { ...capacity, table: 2 * capacity.table }, collectionBytes };
}

function readCapacity(bytes: number): Capacity {
  return tableCapacity(2 * readUnits(bytes, { consistentRead: true }));
}

function shown({ json, bytes }: ReadItem, get: TransactionGet | undefined): TransactionReadItem {
  const capacity = readCapacity(bytes);
  const projection = get?.projection;
  if (json === undefined || projection === undefined) return { json, bytes, capacity };
  // What partitions store is the canonical JSON of an item.
  const item = JSON.parse(Buffer.from(json).toString('utf8')) as Item;
  const part = project(projection, item);
  // Of an item that has none of the attributes the service shows nothing.
  if (Object.keys(part).length === 0) return { json: undefined, bytes, capacity };
  return { json: Buffer.from(JSON.stringify(part)), bytes, capacity };
}
