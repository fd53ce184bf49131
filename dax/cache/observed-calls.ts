import type { JsonObject } from '../../dataplane/api/operation.ts';
import type { CallOptions, TableCalls } from '../tables/table-calls.ts';
import { isTableAbsent } from './table-faults.ts';

/** The tables, and an ear for their saying that one of them is not there. */
export class ObservedCalls implements TableCalls {
  readonly #calls: TableCalls;
  readonly #onAbsent: (nameOrArn: string) => void;

  /** @param onAbsent told of each table that a refused call was about */
  constructor(calls: TableCalls, onAbsent: (nameOrArn: string) => void) {
    this.#calls = calls;
    this.#onAbsent = onAbsent;
  }

  async call(operation: string, body: JsonObject, options?: CallOptions): Promise<JsonObject> {
    try {
      return await this.#calls.call(operation, body, options);
    } catch (error) {
      if (isTableAbsent(error)) for (const name of tableNamesIn(body)) this.#onAbsent(name);
      throw error;
    }
  }
}

/** Names and ARNs of the tables of a request (API model: TableName, RequestItems, TransactItems). */
function tableNamesIn(body: JsonObject): ReadonlySet<string> {
  const { TableName, RequestItems, TransactItems } = body;
  const parts = Array.isArray(TransactItems) ? TransactItems.flatMap(valuesOf) : [];
  const names = [TableName, ...parts.map((part) => membersOf(part).TableName)];
  const texts = names.filter((name) => typeof name === 'string');
  return new Set([...texts, ...Object.keys(membersOf(RequestItems))]);
}

function valuesOf(value: unknown): readonly unknown[] {
  return Object.values(membersOf(value));
}

function membersOf(value: unknown): JsonObject {
  return typeof value === 'object' && value !== null ? (value as JsonObject) : {};
}
