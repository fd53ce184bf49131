import { textTable } from '../findings/table.ts';
import type { Endpoint, Mode } from './endpoint.ts';
import type { Measurement, Setting } from './measure.ts';
import { streamReport } from './streams.ts';
import { type Results, type Target, targets } from './targets.ts';
import { workloads } from './workload.ts';

/** A generator this busy may be what was measured. */
const GENERATOR_LOAD_MAX = 0.9;

/** Rounds further apart than this were disturbed: what was drawn from them decides nothing. */
const SPREAD_MAX = 0.3;

/** The table of one setting, one line an endpoint. */
export function settingReport(
  setting: Setting,
  found: readonly Measurement[],
  endpoints: readonly Endpoint[],
): string {
  const bare = found.find(({ endpoint }) => endpoint === 'bare');
  const header = [
    'endpoint',
    'per second',
    'of bare',
    'of best peer',
    'p50 ms',
    'p99 ms',
    'server CPU µs',
    'memory MB',
    'errors',
    'spread',
  ];
  const rows = found.map((row) => [
    row.endpoint,
    Math.round(row.perSecond).toLocaleString('en'),
    bare === undefined ? '-' : (row.perSecond / bare.perSecond).toFixed(2),
    ofBestPeer(row, found, endpoints),
    (row.p50Us / 1000).toFixed(2),
    (row.p99Us / 1000).toFixed(2),
    row.cpuUs.toFixed(0),
    row.residentMb.toFixed(0),
    String(row.errors),
    `${(row.spread * 100).toFixed(0)} %${row.spread > SPREAD_MAX ? ' !' : '  '}`,
  ]);
  const busy = found.filter(({ generatorLoad }) => generatorLoad > GENERATOR_LOAD_MAX);
  const note =
    busy.length === 0
      ? ''
      : `\n(the load generator had no time left with ${busy.map(({ endpoint }) => endpoint).join(', ')}: their figures may be too low)`;
  return `\n${settingTitle(setting)}\n${textTable([header, ...rows])}${note}`;
}

function settingTitle({ operation, itemBytes, connections, itemCount }: Setting): string {
  const items = itemCount.toLocaleString('en');
  return `${workloads[operation].title}: items of ${itemBytes} B, ${connections} connections, ${items} items`;
}

function ofBestPeer(
  row: Measurement,
  found: readonly Measurement[],
  endpoints: readonly Endpoint[],
): string {
  const own = endpoints.find(({ name }) => name === row.endpoint);
  if (own === undefined || own.isPeer || own.mode === 'ceiling') return '';
  const best = bestPeer(found, endpoints, own.mode);
  return best === undefined
    ? '-'
    : `${(row.perSecond / best.perSecond).toFixed(2)} ${best.endpoint}`;
}

function bestPeer(
  found: readonly Measurement[],
  endpoints: readonly Endpoint[],
  mode: Mode,
): Measurement | undefined {
  const peers = new Set<string>(
    endpoints.filter((peer) => peer.isPeer && peer.mode === mode).map(({ name }) => name),
  );
  return found
    .filter(({ endpoint }) => peers.has(endpoint))
    .reduce<Measurement | undefined>(
      (best, next) => (best === undefined || next.perSecond > best.perSecond ? next : best),
      undefined,
    );
}

/** Starts, memory, large tables, and then each target with what was found. */
export function closingReport(results: Results): string {
  return [
    startReport(results),
    streamReport(results.streams),
    largeReport(results),
    targetReport(results),
  ]
    .filter((part) => part !== '')
    .join('\n');
}

function startReport({ starts }: Results): string {
  const rows = starts.map(({ endpoint, startMs, idleMb }) => [
    endpoint,
    startMs.toFixed(0),
    idleMb.toFixed(0),
  ]);
  return `\nStart to first answer, and memory of an idle empty server\n${textTable([
    ['endpoint', 'start ms', 'memory MB'],
    ...rows,
  ])}`;
}

function largeReport({ large }: Results): string {
  if (large.length === 0) return '';
  const rows = large.map((row) => [
    row.endpoint,
    row.itemCount.toLocaleString('en'),
    Math.round(row.fillPerSecond).toLocaleString('en'),
    Math.round(row.perSecond).toLocaleString('en'),
    (row.perSecond / row.basePerSecond).toFixed(2),
    row.residentMb.toFixed(0),
    row.withoutFilesMb.toFixed(0),
  ]);
  const header = [
    'endpoint',
    'items',
    'stored a second',
    'GetItem a second',
    'of few items',
    'memory MB',
    'without mapped files',
  ];
  return `\nMany items\n${textTable([header, ...rows])}`;
}

function targetReport(results: Results): string {
  const rows = targets.map((target) => {
    const found = target.find(results);
    const bound = `${target.side === 'at least' ? '≥' : '≤'} ${target.bound}${unit(target)}`;
    if (found === undefined) return [target.what, bound, 'not measured', ''];
    const { value, spread } = found;
    const verdict = isMet(target, value) ? 'pass' : 'MISS';
    return [
      target.what,
      bound,
      `${value.toFixed(target.unit === '×' ? 2 : 0)}${unit(target)}`,
      spread > SPREAD_MAX ? `unsteady, ${verdict}` : verdict,
    ];
  });
  const isUnsteady = rows.some(([, , , verdict]) => verdict?.startsWith('unsteady'));
  const note = isUnsteady
    ? `\nunsteady: rounds were more than ${SPREAD_MAX * 100} % apart; measure again on a machine that does nothing else`
    : '';
  return `\nTargets\n${textTable([['', 'target', 'found', ''], ...rows])}${note}`;
}

function unit(target: Target): string {
  return target.unit === '×' ? ' ×' : ` ${target.unit}`;
}

/** Whether a value found meets its target. */
export function isMet(target: Target, value: number): boolean {
  return target.side === 'at least' ? value >= target.bound : value <= target.bound;
}
