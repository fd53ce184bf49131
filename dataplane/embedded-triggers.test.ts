import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { type EmbeddedTriggers, openTriggers } from './embedded-triggers.ts';
import { schemaOf } from './partition/schema.fixture.ts';
import { systemScheduler } from './replication/scheduler.ts';
import { LocalRouter } from './routing/local-router.ts';
import { layoutOf, putOf, unlimited } from './routing/local-table.fixture.ts';
import type { ManagedTable } from './routing/table.ts';
import { openStore } from './storage/open.ts';
import type { Store } from './storage/store.ts';

const schema = schemaOf({
  tableName: 'Orders',
  stream: { id: Date.now() - 5_000, viewType: 'KEYS_ONLY' },
});

let folder: string;
let file: string;
let lines: Record<string, unknown>[];
let triggers: EmbeddedTriggers;
let store: Store;
let table: ManagedTable;
let target: Server;
let events: { readonly path: string | undefined; readonly count: number }[];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'trestle triggers '));
  file = join(folder, 'triggers.json');
  events = [];
  lines = [];
  target = createServer(async (request, response) => {
    const { Records: records } = JSON.parse(await text(request));
    events.push({ path: request.url, count: records.length });
    response.end();
  });
  await new Promise<void>((resolve) => target.listen(0, '127.0.0.1', resolve));
  writeTriggers('/first');
  const log = pino({ level: 'info' }, { write: (line) => lines.push(JSON.parse(line)) });
  triggers = openTriggers(file, log);
  store = await openStore({ folder: undefined, durability: 'relaxed' });
  const router = new LocalRouter(store, systemScheduler, undefined, triggers.watch);
  table = await router.openTable(layoutOf(schema), unlimited);
});

afterEach(async () => {
  await table.close();
  await store.close();
  triggers.close();
  target.closeAllConnections();
  target.close();
  rmSync(folder, { recursive: true });
});

function writeTriggers(path: string): void {
  // It listens on TCP.
  const { port } = target.address() as AddressInfo;
  const trigger = { name: 'audit', target: { url: `http://127.0.0.1:${port}${path}` } };
  writeFileSync(file, JSON.stringify({ Orders: [trigger] }));
}

const put = (index: number) => table.write(putOf({ p: { S: 'a' }, s: { N: `${index}` } }, schema));
const until = (check: () => void) => vi.waitFor(check, { timeout: 10_000, interval: 10 });

it('triggers of an embedded server: a changed file counts at once, and delivery goes on', async () => {
  await put(1);
  await until(() => expect(events).toEqual([{ path: '/first', count: 1 }]));
  writeTriggers('/second');
  await until(() =>
    expect(lines).toContainEqual(expect.objectContaining({ msg: 'triggersReloaded' })),
  );
  await put(2);
  await until(() => expect(events.at(-1)).toEqual({ path: '/second', count: 1 }));
  expect(events).toHaveLength(2);
});

it('triggers of an embedded server: a broken file is told of, and the former triggers go on', async () => {
  writeFileSync(file, '{"Orders": [{"name": "audit"}]}');
  await until(() =>
    expect(lines).toContainEqual(
      expect.objectContaining({
        msg: 'triggersRefused',
        error: `the triggers file ${file} needs a target for audit (table Orders)`,
      }),
    ),
  );
  await put(1);
  await until(() => expect(events).toEqual([{ path: '/first', count: 1 }]));
});
