import { setTimeout as delay } from 'node:timers/promises';
import { INDEX, TABLE } from './api-operations.ts';
import type { HttpClient } from './http-client.ts';

const POLL_MS = 250;
const SHOWN_MAX = 10;

/** Items by key, as text that is the same for equal items. */
export type ItemsByKey = ReadonlyMap<string, string>;

/**
 * Reads all of the table and of its global index until both hold the same items.
 * @returns lines for people on what differs after `msMax`; none when they are equal
 */
export async function indexDifferences(client: HttpClient, msMax: number): Promise<IndexFinding> {
  const endMs = performance.now() + msMax;
  for (;;) {
    const table = await scan(client, { ConsistentRead: true });
    const index = await scan(client, { IndexName: INDEX });
    const differences = compareItems(table, index);
    if (differences.length === 0 || performance.now() > endMs) {
      return { itemsCount: table.size, differences };
    }
    await delay(POLL_MS);
  }
}

export interface IndexFinding {
  readonly itemsCount: number;
  readonly differences: readonly string[];
}

/** One line for each key that is not the same in both; the first few. */
export function compareItems(table: ItemsByKey, index: ItemsByKey): readonly string[] {
  const differences: string[] = [];
  for (const [key, item] of table) {
    const entry = index.get(key);
    if (entry !== item) differences.push(`${key} is ${item}, in the index ${entry ?? 'absent'}`);
  }
  for (const [key, entry] of index) {
    if (!table.has(key)) differences.push(`${key} is absent, in the index ${entry}`);
  }
  const more = differences.length - SHOWN_MAX;
  return more > 0 ? [...differences.slice(0, SHOWN_MAX), `and ${more} more`] : differences;
}

async function scan(client: HttpClient, options: object): Promise<ItemsByKey> {
  const items = new Map<string, string>();
  let from: unknown;
  do {
    const page = await scanPage(client, {
      ...options,
      ...(from ? { ExclusiveStartKey: from } : {}),
    });
    for (const item of page.Items) {
      const text = canonical(item);
      const key = item.pk?.S ?? '?';
      // An entry that was left behind in another shelf must not hide behind the right one.
      items.set(key, items.has(key) ? `${items.get(key)} and ${text}` : text);
    }
    from = page.LastEvaluatedKey;
  } while (from !== undefined);
  return items;
}

interface Page {
  readonly Items: readonly Readonly<Record<string, { readonly S?: string }>>[];
  readonly LastEvaluatedKey?: unknown;
}

async function scanPage(client: HttpClient, options: object): Promise<Page> {
  const answer = await client.call({ target: 'Scan', body: { TableName: TABLE, ...options } });
  if (answer.kind === 'answered' && answer.status === 200) {
    // A page, since the status says so.
    return answer.body as unknown as Page;
  }
  throw new Error(`Scan of a cluster that is whole: ${JSON.stringify(answer)}`);
}

function canonical(item: Readonly<Record<string, unknown>>): string {
  return JSON.stringify(Object.entries(item).sort(([one], [other]) => (one < other ? -1 : 1)));
}
