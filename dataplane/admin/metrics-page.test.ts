import { expect, it } from 'vitest';
import { Histogram } from '../replication/metrics.ts';
import { MetricsPage } from './metrics-page.ts';

/** The lines of our metrics. */
async function linesOf(page: MetricsPage): Promise<string[]> {
  const { text } = await page.text();
  return text.split('\n').filter((line) => line.includes('trestle_'));
}

it('reads counters and gauges when asked, and forgets what is gone', async () => {
  const units = new Map([['1', 5]]);
  const page = new MetricsPage();
  const read = () => Array.from(units, ([partition, value]) => ({ labels: { partition }, value }));
  page.counter({ name: 'units_total', help: 'Units.', labels: ['partition'] }, read);
  page.gauge({ name: 'items', help: 'Items.', labels: ['partition'] }, read);
  expect(await linesOf(page)).toEqual([
    '# HELP trestle_units_total Units.',
    '# TYPE trestle_units_total counter',
    'trestle_units_total{partition="1"} 5',
    '# HELP trestle_items Items.',
    '# TYPE trestle_items gauge',
    'trestle_items{partition="1"} 5',
  ]);
  units.clear();
  units.set('2', 7);
  expect(await linesOf(page)).toContain('trestle_units_total{partition="2"} 7');
  expect((await linesOf(page)).join()).not.toContain('partition="1"');
});

it('shows histograms that were counted elsewhere, in another unit', async () => {
  const times = new Histogram([0.1, 1, 10]);
  for (const ms of [0.05, 0.5, 0.7, 100]) times.observe(ms);
  const page = new MetricsPage();
  page.histogram({ name: 'fsync_seconds', help: 'Fsync.' }, 1e-3, () => [{ histogram: times }]);
  expect(await linesOf(page)).toEqual([
    '# HELP trestle_fsync_seconds Fsync.',
    '# TYPE trestle_fsync_seconds histogram',
    'trestle_fsync_seconds_bucket{le="0.0001"} 1',
    'trestle_fsync_seconds_bucket{le="0.001"} 3',
    'trestle_fsync_seconds_bucket{le="0.01"} 3',
    'trestle_fsync_seconds_bucket{le="+Inf"} 4',
    `trestle_fsync_seconds_sum ${101.25 * 1e-3}`,
    'trestle_fsync_seconds_count 4',
  ]);
});

it('holds the metrics of the process', async () => {
  const { text, contentType } = await new MetricsPage().text();
  expect(text).toContain('process_resident_memory_bytes');
  expect(text).toContain('nodejs_eventloop_lag_seconds');
  expect(contentType).toBe('text/plain; version=0.0.4; charset=utf-8');
});
