import type { Item } from '../item/attribute-value.ts';
import type { PageResult, ScanRequest } from '../partition/command.ts';
import { spacePrefix, transactionParts } from '../partition/key-space.ts';
import type { RemoteTable } from '../routing/remote-table.ts';
import type { Router } from '../routing/router.ts';
import type { ClusterApp } from './cluster-program.ts';
import { incompleteness, observedGroups, runningNodes } from './cluster-state.ts';
import { replicaStates } from './replica-states.ts';
import { simEpochMs } from './sim-clock.ts';
import type { SimCluster } from './sim-cluster.ts';
import { GLOBAL_INDEX, LOCAL_INDEX, openTable } from './workload.ts';

/** Spaces that are empty at rest, as the byte behind the storage id. */
const PENDING_INDEX = spacePrefix(0n, 'pendingIndex')[8];
const EXPIRY = spacePrefix(0n, 'expiry')[8];
const TRANSACTION = spacePrefix(0n, 'transaction')[8];
/** Nothing may expire while indexes are compared. */
const EXPIRING_SECONDS = 10;

/** What is still going on in the cluster; undefined when nothing is. */
export function restlessness(
  cluster: SimCluster<ClusterApp>,
  isTableMade: boolean,
  votersCount: number,
): string | undefined {
  if (!isTableMade) return 'the table is not made yet';
  const nodes = runningNodes(cluster);
  for (const group of observedGroups(nodes)) {
    const why = incompleteness(group, nodes, votersCount);
    if (why !== undefined) return why;
  }
  const indexes = new Map<bigint, number | undefined>();
  const nowSeconds = Math.floor((simEpochMs + cluster.world.nowMs) / 1_000);
  for (const node of nodes) {
    for (const state of replicaStates(node)) {
      const { partitionId, entries } = state;
      // Not as the disk has it, where a bit may be another one that nobody reads.
      const index = node.app.host.get(partitionId)?.appliedIndex;
      const known = indexes.get(partitionId) ?? index;
      indexes.set(partitionId, known);
      if (index !== known)
        return `partition ${partitionId}: ${node.id} is at ${index}, not ${known}`;
      for (const { bytes } of entries) {
        if (bytes[8] === PENDING_INDEX) return `partition ${partitionId} has changes of its index`;
        if (bytes[8] === TRANSACTION && bytes[9] === transactionParts.mark) {
          return `partition ${partitionId} has marks of transactions`;
        }
        if (bytes[8] !== EXPIRY) continue;
        const second = Number(bytes.readBigUInt64BE(9));
        if (second < nowSeconds + EXPIRING_SECONDS) {
          return `partition ${partitionId} has items that expire`;
        }
      }
    }
  }
  return undefined;
}

/** Compares what the indexes have with what the table has, as a client reads them. */
export async function checkIndexes(router: Router): Promise<readonly string[]> {
  const table = openTable(router);
  if (table === undefined) return ['the table is not known'];
  const items = await itemsOf(table, undefined);
  return [
    ...compare(GLOBAL_INDEX, having(items, 'group'), await itemsOf(table, GLOBAL_INDEX)),
    ...compare(LOCAL_INDEX, having(items, 'label'), await itemsOf(table, LOCAL_INDEX)),
  ];
}

function having(items: readonly string[], attribute: string): readonly string[] {
  return items.filter((json) => Object.hasOwn(JSON.parse(json) as Item, attribute));
}

function compare(index: string, table: readonly string[], found: readonly string[]): string[] {
  const missing = table.filter((json) => !found.includes(json));
  const extra = found.filter((json) => !table.includes(json));
  if (missing.length === 0 && extra.length === 0 && table.length === found.length) return [];
  return [`Index ${index} lacks ${missing.join(', ')}; has besides ${extra.join(', ')}`];
}

/** The JSON of all items, with their attributes in order. */
export async function itemsOf(
  table: RemoteTable,
  indexName: string | undefined,
): Promise<string[]> {
  const items: string[] = [];
  let start: Item | undefined;
  do {
    const request: ScanRequest = {
      indexName,
      consistentRead: indexName !== GLOBAL_INDEX,
      filter: undefined,
      projection: undefined,
      output: 'items',
      fetchFromTable: false,
      limit: PAGE_ITEMS,
      exclusiveStartKey: start,
      segment: 0,
      totalSegments: 1,
    };
    const page: PageResult = await table.scan(request);
    for (const json of page.items) items.push(inOrder(Buffer.from(json).toString()));
    start = page.lastEvaluatedKey;
  } while (start !== undefined);
  return items;
}

/** Small, so that pages are continued. */
const PAGE_ITEMS = 3;

/** The item's JSON with its attributes in order. */
export function inOrder(json: string): string {
  const entries = Object.entries(JSON.parse(json) as Item);
  return JSON.stringify(
    Object.fromEntries(entries.sort(([one], [other]) => (one < other ? -1 : 1))),
  );
}
