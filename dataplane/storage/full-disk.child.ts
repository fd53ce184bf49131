import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { rmSync, statfsSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { openStore, type StoreOptions } from './open.ts';
import { type Store, StoreError } from './store.ts';

/**
 * Fills the volume it is given and gives space back. Usage: node full-disk.child.ts VOLUME SCENARIO
 *
 * `reserve`: writes must stop before the volume is full. `exhausted`: without a reserve, they stop
 * when the system refuses one. Then reads must go on; with space again, writes too, with nothing
 * acknowledged lost, before and after opening anew. Exits with 0 if all of that holds.
 */
const [volume = '', scenario = ''] = process.argv.slice(2);
const ballast = join(volume, 'ballast');
const MB = 1024 * 1024;
const valueBytes = 4_000;
/** More writers than fit into one batch's time, so that some wait when one fails. */
const writers = 32;
/** Keys enough for 40 MB of values. */
const keysMax = 10_000;

const resumed = { signal: Promise.withResolvers<void>() };
const options: StoreOptions = {
  folder: join(volume, 'data'),
  durability: 'fsync',
  log: (event) => {
    if (event === 'writesResumed') {
      resumed.signal.resolve();
    }
  },
  reserveBytes: scenario === 'reserve' ? 64 * MB : 0,
};
/** What was acknowledged: the first bytes of the value by key. */
const acknowledged = new Map<string, string>();

await occupy(ballastBytes());
const store = await openStore(options);
const keepAlive = setInterval(() => undefined, 1_000);
for (let round = 0; round < 3; round += 1) {
  resumed.signal = Promise.withResolvers();
  const faults = await Promise.all(Array.from({ length: writers }, () => writeUntilRefused(store)));
  for (const fault of faults) {
    assert.equal(fault.code, 'full', fault.message);
  }
  assert.equal(store.writesRefused?.code, 'full');
  await assert.rejects(store.commit([{ key: Buffer.from('late'), value: Buffer.alloc(1) }]), {
    code: 'full',
  });
  if (scenario === 'reserve') {
    assert.ok(freeBytes() > 0, 'the reserve is there');
  }
  checkAll(store);
  rmSync(ballast);
  await Promise.race([resumed.signal.promise, deadline(20_000)]);
  assert.equal(store.writesRefused, undefined);
  checkAll(store);
  await write(store, `after ${round}`);
  await occupy(freeBytes() - roomBytes());
}
clearInterval(keepAlive);
await store.close();
rmSync(ballast);
const again = await openStore(options);
checkAll(again);
await again.close();

async function deadline(ms: number): Promise<never> {
  await delay(ms, undefined, { ref: false });
  throw new Error(`writes were not resumed with ${freeBytes()} bytes free`);
}

function freeBytes(): number {
  const { bavail, bsize } = statfsSync(volume);
  return bavail * bsize;
}

/** Space left for data at first, and again in each round. */
function roomBytes(): number {
  return scenario === 'reserve' ? 88 * MB : 14 * MB;
}

function ballastBytes(): number {
  return freeBytes() - roomBytes();
}

async function occupy(bytes: number): Promise<void> {
  const file = await open(ballast, 'w');
  await file.writeFile(Buffer.alloc(Math.max(0, bytes)));
  await file.close();
}

async function writeUntilRefused(to: Store): Promise<StoreError> {
  for (;;) {
    try {
      await write(to, `key ${Math.floor(Math.random() * keysMax)}`);
    } catch (error) {
      assert.ok(error instanceof StoreError);
      return error;
    }
  }
}

async function write(to: Store, name: string): Promise<void> {
  const value = randomBytes(valueBytes);
  // Until it is acknowledged, either value may be there.
  acknowledged.delete(name);
  await to.commit([{ key: Buffer.from(name), value }]);
  acknowledged.set(name, value.toString('hex', 0, 8));
}

function checkAll(from: Store): void {
  for (const [name, start] of acknowledged) {
    const value = from.get(Buffer.from(name));
    assert.equal(value?.length, valueBytes);
    assert.equal(value.toString('hex', 0, 8), start, name);
  }
}
