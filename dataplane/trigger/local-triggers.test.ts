import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { schemaOf } from '../partition/schema.fixture.ts';
import type { TableLayout } from '../partition/schema.ts';
import type { TriggerSchema } from '../partition/trigger.ts';
import { systemScheduler } from '../replication/scheduler.ts';
import { LocalRouter } from '../routing/local-router.ts';
import { layoutOf, putOf, unlimited } from '../routing/local-table.fixture.ts';
import type { ManagedTable } from '../routing/table.ts';
import { openStore } from '../storage/open.ts';
import type { Store } from '../storage/store.ts';
import { LocalTriggers, type TriggersByTable } from './local-triggers.ts';
import { BROKEN, OK, type TestContext, testContext, trigger } from './trigger.fixture.ts';

/** A server with one table of two partitions, on a real folder. */
class Server {
  readonly context: TestContext = testContext(systemScheduler);
  readonly triggers: LocalTriggers;
  readonly store: Store;
  readonly table: ManagedTable;

  static async start(
    triggers: readonly TriggerSchema[],
    answer: TestContext['poster']['answer'] = () => OK,
  ): Promise<Server> {
    const store = await openStore({ folder, durability: 'relaxed' });
    const context = testContext(systemScheduler);
    context.poster.answer = answer;
    const local = new LocalTriggers(context, byTable(triggers));
    const router = new LocalRouter(store, systemScheduler, undefined, local.watch);
    const table = await router.openTable(layout, unlimited);
    return new Server(context, local, store, table);
  }

  private constructor(
    context: TestContext,
    triggers: LocalTriggers,
    store: Store,
    table: ManagedTable,
  ) {
    this.context = context;
    this.triggers = triggers;
    this.store = store;
    this.table = table;
    running.push(this);
  }

  async put(id: string, value: string): Promise<void> {
    const item = { p: { S: id }, s: { N: '1' }, id: { S: id }, value: { S: value } };
    await this.table.write(putOf(item, this.table.schema));
  }

  get values(): readonly string[] {
    return this.context.poster.valuesAt().flat();
  }

  /** Ends as a process that is killed does: nothing is saved any more. */
  async kill(): Promise<void> {
    await this.store.close();
    this.context.poster.answer = () => new Promise(() => {});
    running.splice(running.indexOf(this), 1);
  }

  async stop(): Promise<void> {
    await this.table.close();
    await this.store.close();
    running.splice(running.indexOf(this), 1);
  }
}

const STREAM_ID = Date.now() - 10_000;
const schema = schemaOf({ stream: { id: STREAM_ID, viewType: 'NEW_IMAGE' } });
const OLD_TRIGGER = trigger({ id: STREAM_ID - 1_000 });
const byTable = (triggers: readonly TriggerSchema[]): TriggersByTable => new Map([['T', triggers]]);

let folder: string;
let layout: TableLayout;
let running: Server[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'trestle triggers '));
  layout = layoutOf(schema, 2);
  running = [];
});

afterEach(async () => {
  for (const server of [...running]) await server.stop();
  rmSync(folder, { recursive: true });
});

const until = (holds: () => boolean) =>
  vi.waitFor(() => expect(holds()).toBe(true), { timeout: 30_000, interval: 5 });

it('triggers of a process: what is written is delivered, from all partitions', async () => {
  const server = await Server.start([OLD_TRIGGER]);
  for (let count = 0; count < 20; count++) await server.put(`k${count}`, `${count}`);
  await until(() => server.values.length === 20);
  expect(new Set(server.values).size).toBe(20);
});

it('triggers of a process: a server that stops in order delivers nothing twice', async () => {
  const first = await Server.start([OLD_TRIGGER]);
  await first.put('a', '1');
  await until(() => first.values.length === 1);
  await first.stop();
  const second = await Server.start([OLD_TRIGGER]);
  await second.put('a', '2');
  await until(() => second.values.length > 0);
  expect(second.values).toEqual(['2']);
});

it('triggers of a process: after a crash nothing is skipped, and items keep their order', async () => {
  const first = await Server.start([OLD_TRIGGER]);
  await first.put('a', '1');
  await until(() => first.values.length === 1);
  first.context.poster.answer = () => BROKEN;
  for (const value of ['2', '3']) await first.put('a', value);
  await first.kill();
  const second = await Server.start([OLD_TRIGGER]);
  await second.put('a', '4');
  await until(() => second.values.includes('4'));
  expect(second.values.slice(-3)).toEqual(['2', '3', '4']);
});

it('triggers of a process: LATEST begins with the first write behind it, also over a crash', async () => {
  const before = await Server.start([]);
  await before.put('a', '1');
  await before.stop();
  const latest = () => trigger({ startingPosition: 'LATEST', id: Date.now() });
  const first = await Server.start([latest()], () => BROKEN);
  await first.put('a', '2');
  await first.kill();
  const second = await Server.start([latest()]);
  await until(() => second.values.length > 0);
  expect(second.values).toEqual(['2']);
});

it('triggers of a process: triggers that are added while it runs begin then', async () => {
  const server = await Server.start([]);
  await server.put('a', '1');
  server.triggers.configure(
    byTable([
      trigger({ startingPosition: 'LATEST', id: Date.now() }),
      trigger({
        name: 'all',
        target: { url: 'http://all/', caBundle: undefined, auth: undefined },
      }),
    ]),
  );
  await server.put('a', '2');
  const all = () => server.context.poster.valuesAt('http://all/').flat();
  await until(() => all().length === 2 && server.values.length === 1);
  expect(server.values).toEqual(['2']);
});

it('triggers of a process: a table that is deleted ends its triggers', async () => {
  const server = await Server.start([OLD_TRIGGER], () => new Promise(() => {}));
  await server.put('a', '1');
  await until(() => server.context.poster.posted.length === 1);
  await server.table.closeForDeletion();
  expect(server.context.poster.endedCount).toBe(1);
});
