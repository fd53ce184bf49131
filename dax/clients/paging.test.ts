import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Json } from '../../dataplane/api/server.fixture.ts';
import { type Door, openDoor } from '../server/door.fixture.ts';
import { ClientProcess } from './client-process.ts';
import { createTables } from './matrix.fixture.ts';
import { OfficialClients } from './official-clients.fixture.ts';

/** Whole tables and indexes by pages and segments, whose order is each table's own. */
const ITEMS_COUNT = 60;
const clients = await OfficialClients.find();
const opened: { door?: Door } = {};

beforeAll(async () => {
  const door = await openDoor();
  opened.door = door;
  await createTables(door.tables);
  for (let at = 0; at < ITEMS_COUNT; at++) {
    await door.tables.call('PutItem', {
      TableName: 'Idx',
      Item: { pk: { S: `p${at}` }, sk: { N: `${at}` }, g: { S: 'all' }, gr: { N: `${at % 7}` } },
    });
  }
  await door.tables.indexesCaughtUp('Idx');
  await clients.build();
}, 600_000);

afterAll(async () => {
  clients.remove();
  await opened.door?.close();
});

/** Sort keys of all items, by as many pages as it takes. */
async function allPages(
  client: ClientProcess,
  operation: 'Query' | 'Scan',
  parameters: object,
): Promise<{ readonly found: number[]; readonly pagesCount: number }> {
  const found: number[] = [];
  let pagesCount = 0;
  let ExclusiveStartKey: unknown;
  do {
    const start = ExclusiveStartKey === undefined ? {} : { ExclusiveStartKey };
    const outcome = await client.call(operation, { TableName: 'Idx', ...parameters, ...start });
    if ('error' in outcome) throw new Error(JSON.stringify(outcome));
    const page: Json = outcome.result;
    for (const { sk } of page.Items) found.push(Number(sk.N));
    ExclusiveStartKey = page.LastEvaluatedKey ?? undefined;
    pagesCount++;
  } while (ExclusiveStartKey !== undefined);
  return { found, pagesCount };
}

const all = Array.from({ length: ITEMS_COUNT }, (_, at) => at);
const sorted = (numbers: number[]) => numbers.toSorted((a, b) => a - b);

describe.each(clients.here)('$title', (official) => {
  const started: { client?: ClientProcess } = {};

  beforeAll(async () => {
    const url = `dax://127.0.0.1:${opened.door?.port}`;
    started.client = new ClientProcess(await clients.command(official, { url }));
  });

  afterAll(() => started.client?.stop());

  const theClient = (): ClientProcess => {
    if (started.client === undefined) throw new Error('it was started');
    return started.client;
  };

  it('reads a table by pages', async () => {
    const { found, pagesCount } = await allPages(theClient(), 'Scan', { Limit: 7 });
    expect(sorted(found)).toEqual(all);
    expect(pagesCount).toBeGreaterThan(ITEMS_COUNT / 7 - 1);
  });

  it('reads a table by pages of its segments', async () => {
    const segments = await Promise.all(
      [0, 1, 2].map(async (Segment) => {
        const { found } = await allPages(theClient(), 'Scan', {
          Segment,
          TotalSegments: 3,
          Limit: 5,
        });
        return found;
      }),
    );
    expect(sorted(segments.flat())).toEqual(all);
  });

  it('reads a global index by pages, forwards and back', async () => {
    const query = {
      IndexName: 'byG',
      KeyConditionExpression: 'g = :all',
      ExpressionAttributeValues: { ':all': { S: 'all' } },
      Limit: 9,
    };
    const forwards = await allPages(theClient(), 'Query', query);
    const back = await allPages(theClient(), 'Query', { ...query, ScanIndexForward: false });
    expect(sorted([...forwards.found])).toEqual(all);
    expect(back.found.toReversed()).toEqual(forwards.found);
    const ranks = forwards.found.map((sk) => sk % 7);
    expect(ranks).toEqual(sorted([...ranks]));
  });
});
