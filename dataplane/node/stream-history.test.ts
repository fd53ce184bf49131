import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Item } from '../item/attribute-value.ts';
import type { WriteCommand } from '../partition/command.ts';
import { schemaOf } from '../partition/schema.fixture.ts';
import type { RecordsAnswer } from '../partition/stream.ts';
import { decodeStreamRecord } from '../partition/stream-record.ts';
import { pause } from '../replication/scheduler.ts';
import { putOf } from '../routing/local-table.fixture.ts';
import { mulberry32 } from './mulberry32.fixture.ts';
import { configurationOf, key } from './node.fixture.ts';
import { ThreeNodes } from './three-nodes.fixture.ts';

const STREAM = 1_700_000_000_000;
const schema = schemaOf({ stream: { id: STREAM, viewType: 'NEW_AND_OLD_IMAGES' } });
const table = configurationOf(schema);
const BASE = 1n;
const ITEMS_COUNT = 5;

type Records = RecordsAnswer['records'];

const increment: WriteCommand = {
  kind: 'update',
  key: key(0),
  condition: undefined,
  update: [{ kind: 'add', path: ['n'], value: { N: '1' }, legacy: false }],
};

const inOrder = (item: Item) => JSON.stringify(Object.entries(item).sort());
const jsonOf = (image: Uint8Array | undefined) =>
  image && inOrder(JSON.parse(Buffer.from(image).toString()));

/** A page, small so that pages are continued. */
function page(test: ThreeNodes, from: number): Promise<RecordsAnswer> {
  return test.stream(BASE, {
    kind: 'records',
    streamId: STREAM,
    from,
    to: undefined,
    limit: 7,
    bytesMax: 100_000,
    writtenFromMs: 0,
  });
}

/** Follows the stream until it is told to stop and has seen its end. */
async function follow(test: ThreeNodes, isOver: () => boolean): Promise<Records> {
  const seen: Records[number][] = [];
  let from = 0;
  for (;;) {
    const isLast = isOver();
    const { records, next } = await page(test, from);
    seen.push(...records);
    if (records.length === 0 && isLast && next === from) return seen;
    from = next;
    await pause(test.cluster.scheduler, 100);
  }
}

/** The items after all changes, each of which must find what it says was there before. */
function replayed(records: Records): string[] {
  const items = new Map<string, string>();
  let last = 0;
  for (const { sequence, record } of records) {
    expect(sequence).toBeGreaterThan(last);
    last = sequence;
    const { keys, oldImage, newImage, event } = decodeStreamRecord(record);
    const name = Buffer.from(keys).toString();
    const before = items.get(name);
    expect(jsonOf(oldImage)).toBe(before);
    const after = jsonOf(newImage);
    expect(event).toBe(before === undefined ? 'INSERT' : after === undefined ? 'REMOVE' : 'MODIFY');
    if (after === undefined) items.delete(name);
    else items.set(name, after);
  }
  return [...items.values()].sort();
}

/** A node is killed, or cut off, again and again. */
async function trouble(test: ThreeNodes, random: () => number): Promise<void> {
  for (let round = 0; round < 6; round++) {
    await test.cluster.clock?.advance(100 + Math.floor(random() * 1_500));
    const node = ['a', 'b', 'c'][Math.floor(random() * 3)] ?? 'a';
    const draw = random();
    if (draw < 0.5) await test.restart(node);
    else if (draw < 0.75) test.cluster.hub.isolate(node);
    else test.isolateFromNodes(node);
    await test.cluster.clock?.advance(Math.floor(random() * 4_000));
    test.cluster.hub.heal();
  }
}

it('a stream has every change once and in order, whoever leads: replayed it is the table', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer(), async (seed) => {
      const test = await ThreeNodes.start();
      await test.create(table);
      const random = mulberry32(seed);
      test.losesAnswer = () => random() < 0.2;
      let incrementsCount = 0;
      const client = async (writesCount: number) => {
        for (let each = 0; each < writesCount; each++) {
          const index = 1 + Math.floor(random() * ITEMS_COUNT);
          const item = { ...key(index), v: { S: `v${Math.floor(random() * 3)}` } };
          const isDelete = random() < 0.3;
          await test.write(
            BASE,
            isDelete
              ? { kind: 'delete', key: key(index), condition: undefined }
              : putOf(item, schema),
          );
          await test.write(BASE, increment);
          incrementsCount += 1;
          await pause(test.cluster.scheduler, Math.floor(random() * 500));
        }
      };
      let areDone = false;
      const clients = Promise.all([client(15), client(15), client(15)]).finally(() => {
        areDone = true;
      });
      const following = follow(test, () => areDone);
      await trouble(test, random);
      await test.settle(clients);
      const followed = await test.settle(following);
      const items = await test.settle(test.scan(BASE));
      expect(replayed(followed)).toEqual(items.map(inOrder).sort());
      const counter = items.find(({ n }) => n !== undefined);
      expect(counter?.n).toEqual({ N: String(incrementsCount) });
      // Who reads later sees the same.
      const again = await test.settle(follow(test, () => true));
      expect(again).toEqual(followed);
      await test.close();
    }),
    { numRuns: 8 },
  );
}, 120_000);
