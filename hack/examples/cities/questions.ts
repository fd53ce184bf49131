import { setTimeout as delay } from 'node:timers/promises';
import { type DynamoDBClient, paginateQuery, paginateScan } from '@aws-sdk/client-dynamodb';
import type { City } from './cities.ts';
import { type Item, indexes, itemOf } from './table.ts';

/** A question, what the table answered, and how that differs from the source. */
export interface Finding {
  readonly question: string;
  readonly answer: string;
  /** Empty when table and source agree. */
  readonly difference: string;
}

const LARGEST_COUNT = 10;
const COUNTRIES_ASKED = 12;
const NAMES_ASKED = 12;
const IDS_ASKED = 25;
const SCAN_SEGMENTS = 4;
/** Global indexes follow the table: how long the last writes may take to arrive. */
const INDEX_MS_MAX = 60_000;
const INDEX_POLL_MS = 50;

/** Asks the table and compares each answer with the source data. */
export async function askQuestions(
  client: DynamoDBClient,
  table: string,
  cities: readonly City[],
): Promise<Finding[]> {
  const stored = await countScanned(client, { TableName: table });
  const findings: Finding[] = [
    {
      question: 'How many cities are there?',
      answer: stored.toLocaleString('en'),
      difference: stored === cities.length ? '' : `the source has ${cities.length}`,
    },
    await waitForIndexes(client, table, stored),
  ];
  for (const [country, group] of largestGroups(cities, 'country', COUNTRIES_ASKED)) {
    findings.push(await largestOfCountry(client, table, country, group));
  }
  for (const [name, group] of largestGroups(cities, 'name', NAMES_ASKED)) {
    findings.push(await namedAlike(client, table, name, group));
    findings.push(await largestNamed(client, table, name, group));
  }
  const step = Math.max(1, Math.floor(cities.length / IDS_ASKED));
  for (let index = 0; index < cities.length; index += step) {
    const city = cities[index];
    if (city !== undefined) findings.push(await cityById(client, table, city));
  }
  return findings;
}

async function waitForIndexes(
  client: DynamoDBClient,
  table: string,
  stored: number,
): Promise<Finding> {
  const startMs = performance.now();
  const counts = new Map<string, number>();
  for (const IndexName of Object.values(indexes)) {
    let count = 0;
    do {
      if (counts.has(IndexName)) await delay(INDEX_POLL_MS);
      count = await countScanned(client, { TableName: table, IndexName });
      counts.set(IndexName, count);
    } while (count !== stored && performance.now() < startMs + INDEX_MS_MAX);
  }
  const wrong = [...counts].filter(([, count]) => count !== stored);
  return {
    question: 'Do all indexes hold all cities?',
    answer: wrong.length === 0 ? 'yes' : 'no',
    difference: wrong.map(([name, count]) => `${name} holds ${count}`).join(', '),
  };
}

async function largestOfCountry(
  client: DynamoDBClient,
  table: string,
  country: string,
  group: readonly City[],
): Promise<Finding> {
  const items = await query(client, LARGEST_COUNT, {
    TableName: table,
    IndexName: indexes.byCountry,
    KeyConditionExpression: 'country = :c',
    ExpressionAttributeValues: { ':c': { S: country } },
    ScanIndexForward: false,
  });
  return {
    question: `Which are the ${LARGEST_COUNT} largest cities of ${country}?`,
    answer: items.map((item) => item.name?.S).join(', '),
    difference: differenceOfLargest(items, group, LARGEST_COUNT),
  };
}

async function namedAlike(
  client: DynamoDBClient,
  table: string,
  name: string,
  group: readonly City[],
): Promise<Finding> {
  const items = await query(client, Number.POSITIVE_INFINITY, {
    TableName: table,
    KeyConditionExpression: '#name = :n',
    ExpressionAttributeNames: { '#name': 'name' },
    ExpressionAttributeValues: { ':n': { S: name } },
    ConsistentRead: true,
  });
  const inOrder = [...group].sort((a, b) => a.cityId - b.cityId).map(itemOf);
  const countries = new Set(items.map((item) => item.country?.S));
  return {
    question: `Which places are named ${name}?`,
    answer: `${items.length} in ${[...countries].join(', ')}`,
    difference: sameItems(items, inOrder) ? '' : `the source has ${group.length}`,
  };
}

async function largestNamed(
  client: DynamoDBClient,
  table: string,
  name: string,
  group: readonly City[],
): Promise<Finding> {
  const items = await query(client, 1, {
    TableName: table,
    IndexName: indexes.bySize,
    KeyConditionExpression: '#name = :n',
    ExpressionAttributeNames: { '#name': 'name' },
    ExpressionAttributeValues: { ':n': { S: name } },
    ScanIndexForward: false,
    ConsistentRead: true,
  });
  return {
    question: `Which is the largest place named ${name}?`,
    answer: items.map((item) => `the one in ${item.country?.S}`).join(),
    difference: differenceOfLargest(items, group, 1),
  };
}

async function cityById(client: DynamoDBClient, table: string, city: City): Promise<Finding> {
  const items = await query(client, Number.POSITIVE_INFINITY, {
    TableName: table,
    IndexName: indexes.byId,
    KeyConditionExpression: 'cityId = :id',
    ExpressionAttributeValues: { ':id': { N: String(city.cityId) } },
  });
  return {
    question: `Which city has the id ${city.cityId}?`,
    answer: items.map((item) => `${item.name?.S} (${item.country?.S})`).join(', '),
    difference: sameItems(items, [itemOf(city)]) ? '' : `the source has ${city.name}`,
  };
}

/** Cities of equal population may come in any order; each must be one of the source, whole. */
function differenceOfLargest(
  items: readonly Item[],
  group: readonly City[],
  count: number,
): string {
  const sizes = group
    .map(({ population }) => population)
    .sort((a, b) => b - a)
    .slice(0, count);
  const found = items.map((item) => Number(item.population?.N));
  if (JSON.stringify(found) !== JSON.stringify(sizes)) return `the source has sizes ${sizes}`;
  const byId = new Map(group.map((city) => [String(city.cityId), city]));
  const strange = items.filter((item) => {
    const city = byId.get(item.cityId?.N ?? '');
    return city === undefined || !sameItems([item], [itemOf(city)]);
  });
  return strange.length === 0 ? '' : `${strange.length} differ from the source`;
}

function sameItems(found: readonly Item[], wished: readonly Item[]): boolean {
  const text = (items: readonly Item[]): string =>
    JSON.stringify(items.map((item) => sorted(item)));
  return text(found) === text(wished);
}

/** The same value with the attributes of all its maps in one order. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return entries.map(([name, member]) => [name, sorted(member)]);
}

type QueryInput = Parameters<typeof paginateQuery>[1];

async function query(client: DynamoDBClient, countMax: number, input: QueryInput): Promise<Item[]> {
  const items: Item[] = [];
  const pageSize = Number.isFinite(countMax) ? { pageSize: countMax } : {};
  for await (const page of paginateQuery({ client, ...pageSize }, input)) {
    items.push(...(page.Items ?? []));
    if (items.length >= countMax) break;
  }
  return items.slice(0, countMax);
}

async function countScanned(
  client: DynamoDBClient,
  input: { readonly TableName: string; readonly IndexName?: string },
): Promise<number> {
  const segments = Array.from({ length: SCAN_SEGMENTS }, async (_, Segment) => {
    let count = 0;
    const scan = { ...input, Segment, TotalSegments: SCAN_SEGMENTS, Select: 'COUNT' as const };
    for await (const page of paginateScan({ client }, scan)) count += page.Count ?? 0;
    return count;
  });
  const counts = await Promise.all(segments);
  return counts.reduce((sum, count) => sum + count, 0);
}

/** The values that most cities share, with those cities. */
function largestGroups(
  cities: readonly City[],
  member: 'name' | 'country',
  count: number,
): [string, City[]][] {
  const groups = Map.groupBy(cities, (city) => city[member]);
  return [...groups].sort(([, a], [, b]) => b.length - a.length).slice(0, count);
}
