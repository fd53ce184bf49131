import { describe, expect, it } from 'vitest';
import { STREAM_RETENTION_MS } from '../partition/stream.ts';
import { decodeStreamRecord } from '../partition/stream-record.ts';
import type { OpenStream } from '../stream/streams.ts';
import type { Catalog } from './catalog.ts';
import { type CrashScenario, crashAtEveryCommit, usedPartitions } from './crash.fixture.ts';
import {
  type Installation,
  memoryStore,
  openInstallation,
  put,
  simpleTable,
  until,
  untilActive,
  untilGone,
} from './installation.fixture.ts';

const enabled = { StreamEnabled: true, StreamViewType: 'NEW_IMAGE' };
const streamed = simpleTable('Music', { StreamSpecification: enabled });

function streamOf(catalog: Catalog, at = -1): OpenStream {
  const info = catalog.streams.list('Music').at(at);
  if (info === undefined) throw new Error('the table has no stream');
  return catalog.streams.open(info.arn);
}

/** Names of the items that a stream has records of. */
async function recordedIn({ table, id: streamId }: OpenStream): Promise<readonly string[]> {
  const texts: string[] = [];
  for (const { id } of table.partitions) {
    const { records } = await table.stream(id, {
      kind: 'records',
      streamId,
      from: 1,
      to: undefined,
      limit: 1_000,
      bytesMax: 1_000_000,
      writtenFromMs: 0,
    });
    for (const { record } of records) {
      const { keys } = decodeStreamRecord(record);
      texts.push(JSON.parse(Buffer.from(keys).toString()).pk.S);
    }
  }
  return texts.sort();
}

/** How many shards of a stream take records; one a partition, or none. */
async function openShards({ table, id: streamId }: OpenStream): Promise<number> {
  let open = 0;
  for (const { id } of table.partitions) {
    const { shards } = await table.stream(id, { kind: 'shards', streamId });
    open += shards.filter(({ last }) => last === undefined).length;
  }
  return open;
}

async function makeTable(catalog: Catalog, request = streamed): Promise<void> {
  await catalog.createTable(request);
  await untilActive(catalog, 'Music');
  await put(catalog.openTable('Music'), { pk: { S: 'a' } });
}

const setStream = (catalog: Catalog, StreamSpecification: object) =>
  catalog.updateTable({
    TableName: 'Music',
    StreamSpecification: StreamSpecification as typeof enabled,
  });

describe('streams over restarts of the process', () => {
  async function restarted({ store, clock, catalog }: Installation): Promise<Installation> {
    await catalog.close();
    return openInstallation({ store, clock });
  }

  it('is read from a table whose deletion has begun: its last records are not lost meanwhile', async () => {
    const { catalog, close } = await openInstallation();
    await catalog.createTable(streamed);
    await untilActive(catalog, 'Music');
    const table = catalog.openTable('Music');
    await put(table, { pk: { S: 'a' } });
    await table.closeForDeletion();
    expect(await recordedIn(streamOf(catalog))).toEqual(['a']);
    await close();
  });

  it('stay as they are: enabled, ended, and of a deleted table', async () => {
    let installation = await openInstallation({ store: await memoryStore() });
    await makeTable(installation.catalog);
    installation = await restarted(installation);
    await put(installation.catalog.openTable('Music'), { pk: { S: 'b' } });
    expect(await recordedIn(streamOf(installation.catalog))).toEqual(['a', 'b']);
    expect(await openShards(streamOf(installation.catalog))).toBe(4);

    await setStream(installation.catalog, { StreamEnabled: false });
    await untilActive(installation.catalog, 'Music');
    installation = await restarted(installation);
    expect(streamOf(installation.catalog).status).toBe('DISABLED');
    expect(await recordedIn(streamOf(installation.catalog))).toEqual(['a', 'b']);
    expect(await openShards(streamOf(installation.catalog))).toBe(0);

    await installation.catalog.deleteTable('Music');
    await untilGone(installation.catalog, 'Music');
    installation = await restarted(installation);
    expect(await recordedIn(streamOf(installation.catalog))).toEqual(['a', 'b']);

    installation.clock.advance(STREAM_RETENTION_MS);
    installation = await restarted(installation);
    await until(() => [...installation.catalog.streams.list(undefined)].length === 0);
    for (
      let turn = 0;
      turn < 1_000 && (await usedPartitions(installation.store)).size > 0;
      turn++
    ) {
      await new Promise(setImmediate);
    }
    expect(await usedPartitions(installation.store)).toEqual(new Set());
    await installation.close();
  });

  it('keep nothing of a deleted table but its streams', async () => {
    const { catalog, store, close } = await openInstallation({ store: await memoryStore() });
    await makeTable(catalog);
    await catalog.deleteTable('Music');
    await untilGone(catalog, 'Music');
    const spaces = async () => {
      const iterator = store.iterate({
        start: Buffer.of(0, 0, 0, 0, 0, 0, 0, 1),
        end: Buffer.alloc(9, 0xff),
        reverse: false,
        limit: undefined,
      });
      const found = new Set((await iterator.next(1_000)).map(([key]) => key[8]));
      await iterator.close();
      return [...found].sort();
    };
    for (let turn = 0; turn < 1_000 && (await spaces()).length > 2; turn++) {
      await new Promise(setImmediate);
    }
    expect(await spaces()).toEqual([0x04, 0x07]);
    await close();
  });
});

/** At rest a stream is enabled in all partitions, or ended in all. */
async function checkRest(catalog: Catalog): Promise<void> {
  for (const { arn } of catalog.streams.list(undefined)) {
    await until(() => /^(EN|DIS)ABLED$/.test(catalog.streams.open(arn).status));
    const stream = catalog.streams.open(arn);
    expect(await openShards(stream)).toBe(stream.status === 'ENABLED' ? 4 : 0);
  }
}

async function removeTable(catalog: Catalog, wait: typeof until): Promise<void> {
  await catalog.deleteTable('Music');
  await wait(() => !catalog.listTables(undefined).names.includes('Music'));
}

const scenarios: readonly CrashScenario[] = [
  {
    name: 'a new table with a stream',
    prepare: async () => {},
    run: async (catalog, wait) => {
      await catalog.createTable(streamed);
      await wait(() => catalog.describeTable('Music').TableStatus === 'ACTIVE');
      await put(catalog.openTable('Music'), { pk: { S: 'a' } });
    },
    check: checkRest,
  },
  {
    name: 'enabling a stream',
    prepare: (catalog) => makeTable(catalog, simpleTable('Music')),
    run: async (catalog, wait) => {
      await setStream(catalog, enabled);
      await wait(() => catalog.describeTable('Music').TableStatus === 'ACTIVE');
      await put(catalog.openTable('Music'), { pk: { S: 'b' } });
    },
    check: async (catalog) => {
      await untilActive(catalog, 'Music');
      await checkRest(catalog);
      if (catalog.streams.list('Music').length === 0) return;
      await put(catalog.openTable('Music'), { pk: { S: 'c' } });
      expect(await recordedIn(streamOf(catalog))).toContain('c');
      expect(await recordedIn(streamOf(catalog))).not.toContain('a');
    },
  },
  {
    name: 'disabling a stream and enabling another',
    prepare: makeTable,
    run: async (catalog, wait) => {
      await setStream(catalog, { StreamEnabled: false });
      await wait(() => catalog.describeTable('Music').TableStatus === 'ACTIVE');
      await setStream(catalog, enabled);
      await wait(() => catalog.describeTable('Music').TableStatus === 'ACTIVE');
    },
    check: async (catalog) => {
      await untilActive(catalog, 'Music');
      await checkRest(catalog);
      expect(await recordedIn(streamOf(catalog, 0))).toEqual(['a']);
    },
  },
  {
    name: 'the deletion of a table with a stream',
    prepare: makeTable,
    run: removeTable,
    check: async (catalog) => {
      await until(
        () =>
          !catalog.listTables(undefined).names.includes('Music') ||
          catalog.describeTable('Music').TableStatus === 'ACTIVE',
      );
      await checkRest(catalog);
      expect(await recordedIn(streamOf(catalog))).toEqual(['a']);
      await catalog.createTable({ ...streamed, TableName: 'Other' });
    },
  },
];

describe('a crash at any commit', () => {
  for (const scenario of scenarios) {
    it(`${scenario.name}: comes to rest after the restart`, async () => {
      await crashAtEveryCommit(scenario, async () => {});
    });
  }
});
