import type { JsonObject } from '../../dataplane/api/operation.ts';
import type { ClientFault } from '../../dataplane/errors/client-fault.ts';
import { throughputFaults } from '../../dataplane/errors/items.ts';
import type { TableCalls } from '../tables/table-calls.ts';
import { attemptPause } from './attempt-pause.ts';
import { BatchProgress } from './batch-progress.ts';
import type { BatchWriteItemCall, KeyWrite } from './calls.ts';
import type { WriteOutcome } from './item-cache.ts';
import { BATCH_ATTEMPTS_COUNT } from './limits.ts';
import type { WriteOutcomes } from './write-outcomes.ts';
import { outcomeOfError, type Performed, UNTOUCHED, type WriteThrough } from './write-through.ts';

export interface BatchWriteOptions {
  readonly calls: TableCalls;
  readonly through: WriteThrough;
  readonly outcomes: WriteOutcomes;
}

/** BatchWriteItem. */
export class BatchWrites {
  readonly #options: BatchWriteOptions;

  constructor(options: BatchWriteOptions) {
    this.#options = options;
  }

  /** @throws ClientFault, TableCallError */
  batchWriteItem(call: BatchWriteItemCall): Promise<JsonObject> {
    return this.#options.through.run(call.writes, () => this.#perform(call));
  }

  async #perform(call: BatchWriteItemCall): Promise<Performed<JsonObject>> {
    const batch = new BatchProgress(call);
    try {
      for (let attempt = 1; ; attempt += 1) {
        const body = { ...call.body, RequestItems: batch.unprocessed };
        batch.add(await this.#options.calls.call('BatchWriteItem', body));
        const isDone = !batch.hasUnprocessedPuts || !call.retriesUnprocessedPuts;
        if (isDone || attempt >= BATCH_ATTEMPTS_COUNT) break;
        await attemptPause(attempt + 1);
      }
    } catch (error) {
      // What earlier attempts did is done.
      const left = outcomeOfError(error);
      return {
        outcomes: await this.#outcomes(call, batch, left),
        result: { kind: 'error', error },
      };
    }
    const outcomes = await this.#outcomes(call, batch, UNTOUCHED);
    if (call.retriesUnprocessedPuts && batch.hasUnprocessedPuts) {
      return { outcomes, result: { kind: 'error', error: throttled(call.writes) } };
    }
    return { outcomes, result: { kind: 'answer', answer: batch.toAnswer() } };
  }

  #outcomes(
    { writes }: BatchWriteItemCall,
    batch: BatchProgress,
    ofUnprocessed: WriteOutcome,
  ): Promise<readonly WriteOutcome[]> {
    return Promise.all(
      writes.map((write) =>
        batch.isUnprocessed(write) ? ofUnprocessed : this.#options.outcomes.ofKeyWrite(write),
      ),
    );
  }
}

function throttled(writes: readonly KeyWrite[]): ClientFault {
  const arn = writes[0]?.table.arn ?? '';
  return throughputFaults.provisioned({ arn, kind: 'Table', operation: 'Write' });
}
