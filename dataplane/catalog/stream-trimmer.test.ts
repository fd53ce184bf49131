import { describe, expect, it } from 'vitest';
import { STREAM_RETENTION_MS } from '../partition/stream.ts';
import { systemScheduler } from '../replication/scheduler.ts';
import type { ManagedTable } from '../routing/table.ts';
import { StoreError } from '../storage/store.ts';
import { openInstallation, put, simpleTable, untilActive } from './installation.fixture.ts';
import { StreamTrimmer } from './stream-trimmer.ts';

const { signal } = new AbortController();

/** A trimmer of these tables, and what it has logged. */
function trimmerOf(tables: readonly ManagedTable[]) {
  const logged: unknown[] = [];
  const trimmer = new StreamTrimmer({
    idleMs: 1,
    log: (event, fields) => logged.push([event, fields]),
    scheduler: systemScheduler,
    tables: () => tables,
    dropRetired: async () => {},
  });
  return { trimmer, logged };
}

describe('the trimmer of streams', () => {
  it('drops records that are past their time, and leaves closed tables alone', async () => {
    const { catalog, clock, close } = await openInstallation();
    const StreamSpecification = { StreamEnabled: true, StreamViewType: 'KEYS_ONLY' };
    await catalog.createTable(simpleTable('Music', { StreamSpecification }));
    await untilActive(catalog, 'Music');
    const table = catalog.openTable('Music');
    await put(table, { pk: { S: 'a' } });
    clock.advance(STREAM_RETENTION_MS);
    const { trimmer, logged } = trimmerOf([table]);
    await trimmer.trim(signal);
    expect(await table.trimStreams(signal)).toBe(0);
    await table.closeForDeletion();
    await trimmer.trim(signal);
    expect(logged).toEqual([]);
    await close();
  });

  it('goes on with other tables, and reports damage once', async () => {
    const { catalog, close } = await openInstallation();
    await catalog.createTable(simpleTable('Music'));
    await untilActive(catalog, 'Music');
    const { schema } = catalog.openTable('Music');
    const trimmed: string[] = [];
    const tableThat = (trimStreams: ManagedTable['trimStreams']) =>
      ({ schema, trimStreams }) as ManagedTable; // what a trimmer looks at
    const damaged = tableThat(async () => {
      trimmed.push('damaged');
      throw new StoreError('damaged', 'A record does not match.');
    });
    const sound = tableThat(async () => trimmed.push('sound'));
    const { trimmer, logged } = trimmerOf([damaged, sound]);
    await trimmer.trim(signal);
    await trimmer.trim(signal);
    expect(trimmed).toEqual(['damaged', 'sound', 'sound']);
    expect(logged).toEqual([
      [
        'streamTrimFailed',
        { table: 'Music', code: 'damaged', message: 'A record does not match.' },
      ],
    ]);
    await close();
  });
});
