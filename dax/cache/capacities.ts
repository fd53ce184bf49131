import type { JsonObject } from '../../dataplane/api/operation.ts';

/**
 * `ConsumedCapacity` of several answers, table by table: every member that is a number is added up,
 * whatever the mode (API model: ConsumedCapacity).
 */
export class Capacities {
  readonly #byTable = new Map<unknown, JsonObject>();

  /** @param consumed the member of an answer: an object, a list of them, or absent */
  add(consumed: unknown): void {
    for (const each of Array.isArray(consumed) ? consumed : [consumed]) {
      if (!isObject(each)) continue;
      const table = each.TableName;
      const known = this.#byTable.get(table);
      this.#byTable.set(table, known === undefined ? each : sumOf(known, each));
    }
  }

  /** One for each table, in the order in which they came. */
  toList(): readonly JsonObject[] {
    return [...this.#byTable.values()];
  }
}

function sumOf(a: JsonObject, b: JsonObject): JsonObject {
  const sum = new Map<string, unknown>(Object.entries(a));
  for (const [name, value] of Object.entries(b)) {
    const other = sum.get(name);
    if (typeof value === 'number' && typeof other === 'number') sum.set(name, other + value);
    else if (isObject(value) && isObject(other)) sum.set(name, sumOf(other, value));
    else if (other === undefined) sum.set(name, value);
  }
  return Object.fromEntries(sum);
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
