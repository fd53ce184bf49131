import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { storageIdBytes } from '../../dataplane/replication/effects-codec.ts';
import { stateEnd } from '../../dataplane/replication/state-storage.ts';
import { openStore } from '../../dataplane/storage/open.ts';
import type { Store } from '../../dataplane/storage/store.ts';
import type { OwnCluster } from '../cluster-benchmark/own-cluster.ts';
import { clusterState } from '../cluster-benchmark/wholeness.ts';
import { askAdmin } from '../cluster-cli/admin-client.ts';

const POLL_MS = 200;
const SETTLED_MS_MAX = 60_000;
const PAGE_PAIRS = 256;
const STORAGE_ID_BYTES = 8;

/** Where a node keeps the state of a partition. */
interface StoredReplica {
  readonly node: string;
  readonly partitionId: string;
  readonly storageId: bigint;
  readonly appliedIndex: number;
}

export interface ReplicaFinding {
  readonly partitionsCount: number;
  readonly pairsCount: number;
  readonly differences: readonly string[];
}

/**
 * Kills all processes of a cluster in which nobody writes, opens what the nodes have on disk, and
 * compares the replicas of each partition byte by byte, as their shared log index demands.
 * @throws Error when replicas do not come to the same index
 */
export async function replicaDifferences(cluster: OwnCluster): Promise<ReplicaFinding> {
  const replicas = await settledReplicas(cluster);
  await cluster.killAll();
  const states = new Map<string, ReplicaState[]>();
  for (const { id } of cluster.nodes) {
    const store = await openStore({ folder: cluster.folder.dataFolder(id), durability: 'fsync' });
    try {
      for (const replica of replicas.filter(({ node }) => node === id)) {
        const all = states.get(replica.partitionId) ?? [];
        states.set(replica.partitionId, [...all, await stateOf(store, replica)]);
      }
    } finally {
      await store.close();
    }
  }
  return {
    partitionsCount: states.size,
    pairsCount: [...states.values()].flat().reduce((sum, { pairsCount }) => sum + pairsCount, 0),
    differences: [...states].flatMap(([id, all]) => differencesOf(id, all)),
  };
}

/** Once every partition has applied the same everywhere. */
async function settledReplicas(cluster: OwnCluster): Promise<readonly StoredReplica[]> {
  const endMs = performance.now() + SETTLED_MS_MAX;
  for (;;) {
    const first = await storedReplicas(cluster);
    await delay(POLL_MS);
    const second = await storedReplicas(cluster);
    const byPartition = Map.groupBy(second, ({ partitionId }) => partitionId);
    const isSettled = [...byPartition.values()].every((all) => {
      return all.every(({ appliedIndex }) => appliedIndex === all[0]?.appliedIndex);
    });
    if (isSettled && JSON.stringify(first, bigintAsText) === JSON.stringify(second, bigintAsText)) {
      return second;
    }
    if (performance.now() > endMs) throw new Error('replicas do not come to the same log index');
  }
}

function bigintAsText(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value;
}

async function storedReplicas({ nodes }: OwnCluster): Promise<readonly StoredReplica[]> {
  const found: StoredReplica[] = [];
  for (const [id, replicas] of await clusterState(nodes)) {
    const node = nodes.find((each) => each.id === id);
    for (const { partitionId } of replicas ?? []) {
      if (node === undefined) continue;
      const { body } = await askAdmin(node, 'GET', `/partitions/${partitionId}`);
      // The admin interface is of the same version as this file.
      const told = body as { readonly storageId: string; readonly appliedIndex: number };
      const { appliedIndex } = told;
      found.push({ node: id, partitionId, storageId: BigInt(told.storageId), appliedIndex });
    }
  }
  return found;
}

interface ReplicaState {
  readonly node: string;
  readonly pairsCount: number;
  readonly digest: string;
  /** Of each key, without the storage id: to find the one that differs. */
  readonly pairs: ReadonlyMap<string, string>;
}

async function stateOf(store: Store, { storageId, node }: StoredReplica): Promise<ReplicaState> {
  const hash = createHash('sha256');
  const pairs = new Map<string, string>();
  const range = { start: storageIdBytes(storageId), end: stateEnd(storageId) };
  const iterator = store.iterate({ ...range, reverse: false, limit: undefined });
  try {
    for (;;) {
      const page = await iterator.next(PAGE_PAIRS);
      if (page.length === 0) break;
      for (const [key, value] of page) {
        const name = key.subarray(STORAGE_ID_BYTES).toString('hex');
        const digest = createHash('sha256').update(value).digest('hex');
        pairs.set(name, digest);
        hash.update(`${name} ${digest}\n`);
      }
    }
  } finally {
    await iterator.close();
  }
  return { node, pairsCount: pairs.size, digest: hash.digest('hex'), pairs };
}

function differencesOf(partitionId: string, [first, ...others]: readonly ReplicaState[]): string[] {
  if (first === undefined) return [];
  return others
    .filter(({ digest }) => digest !== first.digest)
    .map((other) => {
      const keys = new Set([...first.pairs.keys(), ...other.pairs.keys()]);
      const different = [...keys].filter((key) => first.pairs.get(key) !== other.pairs.get(key));
      return `partition ${partitionId}: ${different.length} keys differ between ${first.node} and ${other.node}, such as ${different[0]}`;
    });
}
