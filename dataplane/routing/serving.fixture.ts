import type { CompiledSchema } from '../partition/compiled-schema.ts';
import { joinKey, spacePrefix } from '../partition/key-space.ts';
import { StoredItem } from '../partition/record.ts';
import type { PartitionRange, TableLayout } from '../partition/schema.ts';
import type { Store } from '../storage/store.ts';
import type { FakeNode } from './cluster.fixture.ts';
import type { GetAnswer, GetCall, PageAnswer, PageCall } from './protocol.ts';
import { readQuery } from './query.ts';
import type { ReadAccess } from './read-access.ts';
import { readScan } from './scan.ts';
import { decodePageRequest, encodePageAnswer } from './wire-page.ts';

export interface ServedTable {
  readonly store: Store;
  readonly compiled: CompiledSchema;
  readonly layout: TableLayout;
}

/** Has a scripted node read the partitions of a LocalTable, one a call, as a real node would. */
export function serveReads(node: FakeNode, { store, compiled, layout }: ServedTable): void {
  const ranges = [...layout.partitions, ...[...layout.indexPartitions.values()].flat()];
  node.on('get', (body): GetAnswer => {
    const [partitionId, , itemKey] = body as GetCall;
    const record = store.get(joinKey(spacePrefix(partitionId, 'item'), itemKey));
    if (record === undefined) return null;
    const { json, bytes } = StoredItem.read(record);
    return [json, bytes];
  });
  node.on('page', async (body): Promise<PageAnswer> => {
    const [partitionId, , kind, encoded] = body as PageCall;
    const range = ranges.find(({ id }) => id === partitionId);
    if (range === undefined) throw new Error(`no partition ${partitionId}`);
    const access: ReadAccess = {
      store,
      compiled,
      partitions: [partOf(range)],
      indexPartitions: () => [partOf(range)],
    };
    const page = decodePageRequest(kind, encoded);
    return encodePageAnswer(
      page.kind === 'query'
        ? await readQuery(access, page.request)
        : await readScan(access, page.request),
    );
  });
}

function partOf(range: PartitionRange) {
  return {
    range,
    prefixes: {
      item: spacePrefix(range.id, 'item'),
      localIndex: spacePrefix(range.id, 'localIndex'),
    },
  };
}
