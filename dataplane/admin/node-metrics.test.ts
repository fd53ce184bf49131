import { expect, it } from 'vitest';
import { newMetrics } from '../node/metrics.ts';
import { ReplicationMetrics } from '../replication/metrics.ts';
import type { NodeReport } from '../routing/protocol.ts';
import { newTriggerCounts } from '../trigger/trigger-counts.ts';
import { replica, report } from './node-admin.fixture.ts';
import { NodeMetrics } from './node-metrics.ts';

const metrics = {
  ...newMetrics(),
  readUnits: 1.5,
  writeUnits: 4,
  writeThrottles: new Map([
    ['ByCity', 2],
    ['ByYear', 1],
  ]),
  shed: 9,
};

async function linesOf(of: NodeReport): Promise<string[]> {
  const replication = new ReplicationMetrics();
  replication.syncedCommitMs.observe(2);
  replication.snapshotsSent = 3;
  const page = new NodeMetrics({
    replication,
    replicas: () => [replica],
    hosted: () => [{ partitionId: 7n, tableId: 'table-1', indexId: 0, metrics }],
    report: () => of,
    peers: () => [
      { id: 'b-1', isConnected: true, queuedBytes: 10 },
      { id: 'c-1', isConnected: false },
    ],
    volume: () => ({ usedBytes: 900, availableBytes: 100 }),
    loadedTls: () => [],
    triggers: () => [
      {
        tableName: 'Music',
        triggerName: 'audit',
        counts: { ...newTriggerCounts(), delivered: 5, deadLetters: 2 },
        iteratorAgeMs: 1_500,
      },
    ],
  });
  const { text } = await page.text();
  return text.split('\n');
}

it('names partition, table and index of what is counted', async () => {
  const labels = '{partition="7",table="Music",index=""}';
  const lines = await linesOf(report);
  for (const line of [
    `trestle_consumed_read_capacity_units_total${labels} 1.5`,
    `trestle_consumed_write_capacity_units_total${labels} 4`,
    `trestle_write_throttle_events_total${labels} 3`,
    `trestle_shed_calls_total${labels} 9`,
    `trestle_item_count${labels} 12`,
    `trestle_table_size_bytes${labels} 345`,
    `trestle_raft_is_leader${labels} 1`,
    `trestle_raft_log_lag_entries${labels} 10`,
    `trestle_raft_follower_lag_entries${labels} 100`,
    'trestle_volume_used_bytes 900',
    'trestle_volume_available_bytes 100',
    'trestle_fsync_seconds_bucket{le="0.0025"} 1',
    'trestle_fsync_seconds_sum 0.002',
    'trestle_raft_snapshots_sent_total 3',
    'trestle_peer_connected{peer="b-1"} 1',
    'trestle_peer_connected{peer="c-1"} 0',
    'trestle_peer_queue_bytes{peer="b-1"} 10',
    'trestle_trigger_records_delivered_total{table="Music",trigger="audit"} 5',
    'trestle_trigger_dead_letters_total{table="Music",trigger="audit"} 2',
    'trestle_trigger_iterator_age_seconds{table="Music",trigger="audit"} 1.5',
  ]) {
    expect(lines).toContain(line);
  }
});

it('shows a partition before its table is known', async () => {
  const lines = await linesOf({ ...report, partitions: [], tables: [] });
  expect(lines).toContain('trestle_raft_is_leader{partition="7",table="",index=""} 1');
});
