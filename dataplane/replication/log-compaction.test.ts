import { afterEach, describe, expect, it } from 'vitest';
import { Cluster } from './cluster.fixture.ts';
import { defaultReplicationLimits } from './limits.ts';
import { compactionIndex, isLogRunningOut } from './log-compaction.ts';
import { LogExtent } from './log-extent.ts';
import { LogKeys } from './log-keys.ts';

const limits = {
  ...defaultReplicationLimits,
  logEntriesMax: 1_000,
  logBytesMax: 100_000,
  logEntriesKept: 100,
  logSnapshotFactor: 4,
};

type Facts = Partial<Parameters<typeof compactionIndex>[1]>;

type Wanted = Facts & { readonly last: number; readonly bytes?: number };

function indexFor(of: Wanted): number {
  return compactionIndex(limits, facts(of));
}

function facts(of: Wanted): Parameters<typeof compactionIndex>[1] {
  const log = new LogExtent({ index: 0, term: 0 });
  for (let index = 1; index <= of.last; index += 1) log.append(index, of.bytes ?? 10);
  return {
    log,
    floorIndex: 0,
    settledIndex: of.last,
    appliedIndex: of.last,
    snapshotsUnderWay: 0,
    ...of,
  };
}

describe('compaction', () => {
  it('leaves what a member lacks, up to the bounds', () => {
    expect(indexFor({ last: 1_000, floorIndex: 10 })).toBe(10);
    expect(indexFor({ last: 1_001, floorIndex: 10 })).toBe(501);
    expect(indexFor({ last: 500, floorIndex: 10, bytes: 201 })).toBe(256);
  });

  it('drops what all members have, but for the last entries', () => {
    expect(indexFor({ last: 100, floorIndex: 100 })).toBe(0);
    expect(indexFor({ last: 101, floorIndex: 101 })).toBe(51);
    expect(indexFor({ last: 101, floorIndex: 30 })).toBe(30);
  });

  it('keeps more while a snapshot is on its way', () => {
    expect(indexFor({ last: 3_000, snapshotsUnderWay: 1 })).toBe(0);
    expect(indexFor({ last: 5_000, snapshotsUnderWay: 1 })).toBe(3_000);
  });

  it('knows when a snapshot that is on its way has to hurry', () => {
    const isRunningOut = (of: Wanted) => isLogRunningOut(limits, facts(of));
    expect(isRunningOut({ last: 2_000, snapshotsUnderWay: 1 })).toBe(false);
    expect(isRunningOut({ last: 2_001, snapshotsUnderWay: 1 })).toBe(true);
    expect(isRunningOut({ last: 1_000, bytes: 201, snapshotsUnderWay: 1 })).toBe(true);
  });

  it('never passes what has been applied for a while', () => {
    expect(indexFor({ last: 2_000, settledIndex: 7 })).toBe(7);
    expect(indexFor({ last: 2_000, appliedIndex: 5 })).toBe(5);
  });

  it('removes a bounded number of entries at a time', () => {
    expect(indexFor({ last: 20_000 })).toBe(4_096);
  });
});

describe('compaction on disk', () => {
  let cluster: Cluster;
  afterEach(() => cluster.close());

  it('followers drop what the leader says all have; a restart begins at the new start', async () => {
    const ids = ['a', 'b', 'c'];
    cluster = await Cluster.open(ids, { limits: { logEntriesKept: 20 } });
    await cluster.found(ids);
    const leader = await cluster.leader();
    for (let i = 0; i < 100; i += 1) await cluster.put(leader, `k${i}`, `v${i}`);
    await cluster.clock?.advance(6_000);
    for (const id of ids) {
      const [metrics] = cluster.node(id).host.replicaMetrics();
      expect(metrics?.logEntries).toBeLessThanOrEqual(20);
      const { store } = cluster.node(id);
      expect(store.get(new LogKeys(1n).entry(50))).toBeUndefined();
      expect(store.get(new LogKeys(1n).entry(leader.lastIndex))).toBeDefined();
    }
    for (const id of ids) await cluster.restart(id);
    const next = await cluster.leader();
    await cluster.put(next, 'after', 'yes');
    expect(cluster.read('a', 'k50')).toBe('v50');
  });
});
