import type { JsonObject } from '../../dataplane/api/operation.ts';
import type { Item } from '../../dataplane/item/attribute-value.ts';
import type { TableCalls } from '../tables/table-calls.ts';
import type { TransactWriteItemsCall, WriteCall } from './calls.ts';
import type { WriteOutcome } from './item-cache.ts';
import type { WriteOutcomes } from './write-outcomes.ts';
import { DROPPED, type WriteThrough } from './write-through.ts';

export interface ItemWriteOptions {
  readonly calls: TableCalls;
  readonly through: WriteThrough;
  readonly outcomes: WriteOutcomes;
}

/** Writes of one item, and transactions. */
export class ItemWrites {
  readonly #options: ItemWriteOptions;

  constructor(options: ItemWriteOptions) {
    this.#options = options;
  }

  /** @throws ClientFault, TableCallError */
  write(call: WriteCall): Promise<JsonObject> {
    const { calls, through } = this.#options;
    return through.run([call], async () => {
      const asked = asksForNewItem(call);
      const body = asked ? { ...call.body, ReturnValues: 'ALL_NEW' } : call.body;
      const answer = await calls.call(call.operation, body);
      const outcomes = [await this.#outcomeOf(call, answer)];
      return { outcomes, result: { kind: 'answer', answer: asked ? withoutItem(answer) : answer } };
    });
  }

  /** @throws ClientFault, TableCallError */
  transactWriteItems({ body, writes }: TransactWriteItemsCall): Promise<JsonObject> {
    const { calls, through, outcomes } = this.#options;
    return through.run(writes, async () => {
      const answer = await calls.call('TransactWriteItems', body);
      // A token that the table has seen before makes this the answer of back then: nothing was written
      // now, and others may have written since.
      const isRepeatable = body.ClientRequestToken !== undefined;
      const known = isRepeatable
        ? writes.map(() => DROPPED)
        : await Promise.all(writes.map((write) => outcomes.ofKeyWrite(write)));
      return { outcomes: known, result: { kind: 'answer', answer } };
    });
  }

  #outcomeOf({ operation, table, body }: WriteCall, answer: JsonObject): Promise<WriteOutcome> {
    const { outcomes } = this.#options;
    switch (operation) {
      case 'PutItem':
        return outcomes.ofPut(table, body.Item);
      case 'DeleteItem':
        return outcomes.ofDelete(table);
      case 'UpdateItem': {
        const isWhole = isUnasked(body.ReturnValues) || body.ReturnValues === 'ALL_NEW';
        // All attributes of an item: the table's answer is canonical.
        const item = isWhole ? (answer.Attributes as Item | undefined) : undefined;
        return item === undefined ? Promise.resolve(DROPPED) : outcomes.ofItem(table, item);
      }
    }
  }
}

/** An update without it would leave the cache without the item, at no less cost. */
function asksForNewItem({ operation, body }: WriteCall): boolean {
  return operation === 'UpdateItem' && isUnasked(body.ReturnValues);
}

function isUnasked(returnValues: unknown): boolean {
  return returnValues === undefined || returnValues === 'NONE';
}

function withoutItem({ Attributes, ...answer }: JsonObject): JsonObject {
  return answer;
}
