import type { JsonObject } from '../../dataplane/api/operation.ts';
import type { Item } from '../../dataplane/item/attribute-value.ts';
import { validateItem } from '../../dataplane/item/validate.ts';
import { encodeKey } from '../protocol/keys.ts';
import type { BatchWriteItemCall, KeyWrite } from './calls.ts';
import { Capacities } from './capacities.ts';

/** A write as the API's JSON has it. */
interface WriteRequest {
  readonly PutRequest?: { readonly Item: Item };
  readonly DeleteRequest?: { readonly Key: Item };
}

/** What the calls for one BatchWriteItem have done so far. */
export class BatchProgress {
  readonly #capacities = new Capacities();
  readonly #metrics = new Map<string, readonly unknown[]>();
  #unprocessed: JsonObject;
  #lastAnswer: JsonObject = {};
  #answersCount = 0;

  constructor({ body }: BatchWriteItemCall) {
    this.#unprocessed = objectOf(body.RequestItems);
  }

  /** `RequestItems` of the next call. */
  get unprocessed(): JsonObject {
    return this.#unprocessed;
  }

  get hasUnprocessedPuts(): boolean {
    return Object.values(this.#unprocessed)
      .flatMap(requestsOf)
      .some(({ PutRequest }) => PutRequest !== undefined);
  }

  add(answer: JsonObject): void {
    this.#answersCount += 1;
    this.#lastAnswer = answer;
    this.#unprocessed = objectOf(answer.UnprocessedItems);
    this.#capacities.add(answer.ConsumedCapacity);
    for (const [table, metrics] of Object.entries(objectOf(answer.ItemCollectionMetrics))) {
      const known = this.#metrics.get(table) ?? [];
      this.#metrics.set(table, [...known, ...(Array.isArray(metrics) ? metrics : [])]);
    }
  }

  isUnprocessed({ table, key }: KeyWrite): boolean {
    if (this.#answersCount === 0) return true;
    // Asked for by name or by ARN, and answered alike.
    const left = [table.name, table.arn].flatMap((name) =>
      Object.hasOwn(this.#unprocessed, name) ? requestsOf(this.#unprocessed[name]) : [],
    );
    return left.some(({ PutRequest, DeleteRequest }) => {
      const item = PutRequest?.Item ?? DeleteRequest?.Key;
      // Perhaps as the caller wrote it: numbers are to be in normal form.
      return item !== undefined && encodeKey(table.key, validateItem(item).item).equals(key);
    });
  }

  /** As one call would have been answered. */
  toAnswer(): JsonObject {
    if (this.#answersCount === 1) return this.#lastAnswer;
    const capacities = this.#capacities.toList();
    return {
      UnprocessedItems: this.#unprocessed,
      ...(capacities.length > 0 && { ConsumedCapacity: capacities }),
      ...(this.#metrics.size > 0 && { ItemCollectionMetrics: Object.fromEntries(this.#metrics) }),
    };
  }
}

/** Of the caller's body, which the door has checked, or of the table's answer. */
function requestsOf(list: unknown): readonly WriteRequest[] {
  return Array.isArray(list) ? (list as readonly WriteRequest[]) : [];
}

function objectOf(value: unknown): JsonObject {
  return typeof value === 'object' && value !== null ? (value as JsonObject) : {};
}
