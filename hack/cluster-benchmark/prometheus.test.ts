import assert from 'node:assert/strict';
import { test } from 'vitest';
import { histogramOf, medianOf, since, sumOf } from './prometheus.ts';

const page = `# HELP trestle_fsync_seconds Synced commits.
# TYPE trestle_fsync_seconds histogram
trestle_fsync_seconds_bucket{le="0.001"} 10
trestle_fsync_seconds_bucket{le="0.002"} 30
trestle_fsync_seconds_bucket{le="+Inf"} 40
trestle_fsync_seconds_sum 1.5
trestle_fsync_seconds_count 40
trestle_other_bucket{le="1"} 7
`;

test('histogram: its buckets are read from the text format, in order', () => {
  assert.deepEqual(histogramOf(page, 'trestle_fsync_seconds'), [
    { le: 0.001, count: 10 },
    { le: 0.002, count: 30 },
    { le: Number.POSITIVE_INFINITY, count: 40 },
  ]);
  assert.deepEqual(histogramOf(page, 'absent'), []);
});

test('histogram: the median lies inside its bucket, as far as counts say', () => {
  assert.equal(medianOf(histogramOf(page, 'trestle_fsync_seconds')), 0.0015);
});

test('histogram: a median above all bounds is the highest bound', () => {
  const counts = [
    { le: 1, count: 0 },
    { le: Number.POSITIVE_INFINITY, count: 5 },
  ];
  assert.equal(medianOf(counts), 1);
});

test('histogram: nothing has no median', () => {
  assert.equal(medianOf([]), 0);
});

test('histogram: readings are subtracted and added up bucket by bucket', () => {
  const before = histogramOf(page, 'trestle_fsync_seconds');
  const after = before.map(({ le, count }) => ({ le, count: count + 2 }));
  assert.deepEqual(
    since(before, after).map(({ count }) => count),
    [2, 2, 2],
  );
  assert.deepEqual(
    sumOf([before, after]).map(({ count }) => count),
    [22, 62, 82],
  );
});
