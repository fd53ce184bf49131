import { join } from 'node:path';
import { itemBytes } from '../../dataplane/item/size.ts';
import { itemAt, keyAt, tables } from '../benchmark/dataset.ts';
import { Caller } from '../benchmark/load-connection.ts';
import { fill } from '../benchmark/measure.ts';
import { requestBytes } from '../benchmark/request.ts';
import { startDaxNode } from './node-process.ts';
import { ITEM_BYTES, type Part } from './part.ts';

const BATCH_KEYS = 100;
const CONNECTIONS = 4;
/** What the target allows beside one and a half times an item's bytes. */
const OVERHEAD_BYTES = 200;

/** How much memory cached items take: reads all of them once and looks at the process. */
export const memory: Part = async ({ options, embedded, generator, folder, atEnd }) => {
  const { itemsCount } = options;
  const bytes = itemBytes(itemAt(0, ITEM_BYTES));
  console.log(`\nMemory: ${itemsCount.toLocaleString('en')} items of ${bytes} B, all cached`);
  await fill(embedded, generator, { itemCount: itemsCount, itemBytes: ITEM_BYTES });
  const node = await startDaxNode({
    folder: join(folder, 'dax-memory'),
    tables: `http://127.0.0.1:${embedded.port}`,
    // Twice of what is allowed, for items have but a share of it: nothing is to be evicted.
    cacheBytes: 2 * itemsCount * (1.5 * bytes + OVERHEAD_BYTES),
  });
  atEnd(() => node.stop());
  // The code that a read needs is there before, and is no part of what items take.
  await readAll(node.httpPort, Math.min(itemsCount, 5_000));
  const before = node.memory().withoutFilesMb;
  await readAll(node.httpPort, itemsCount);
  const grown = (node.memory().withoutFilesMb - before) * 2 ** 20;
  await node.stop();
  return [
    {
      what: `memory of a cached item of its ${bytes} B x 1.5 + ${OVERHEAD_BYTES}`,
      value: grown / itemsCount / (1.5 * bytes + OVERHEAD_BYTES),
      unit: '×',
      target: { side: 'at most', bound: 1 },
      spread: 0,
    },
  ];
};

async function readAll(port: number, count: number): Promise<void> {
  let next = 0;
  await Promise.all(
    Array.from({ length: CONNECTIONS }, async () => {
      const caller = new Caller(port);
      while (next < count) {
        const first = next;
        next = Math.min(first + BATCH_KEYS, count);
        const Keys = Array.from({ length: next - first }, (_, offset) => keyAt(first + offset));
        const body = { RequestItems: { [tables.reads]: { Keys } } };
        const answer = await caller.call(
          requestBytes({ port, target: 'BatchGetItem', body, accessKey: undefined }),
        );
        if (answer.status !== 200) throw new Error(`answered ${answer.status}: ${answer.body}`);
      }
      caller.close();
    }),
  );
}
