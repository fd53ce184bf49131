import { mkdtemp, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { openStore } from './open.ts';
import { describeStoreContract } from './store.contract.ts';

for (const [name, options] of [
  ['fsync', { durability: 'fsync' }],
  ['fsync apart', { durability: 'fsync', syncsApart: true }],
  ['relaxed', { durability: 'relaxed' }],
] as const) {
  describeStoreContract(`classic store, ${name}`, async () => {
    const folder = await mkdtemp(join(tmpdir(), 'trestle-classic-'));
    const store = await openStore({ folder, ...options });
    return {
      store,
      dispose: async () => {
        await store.close();
        await rm(folder, { recursive: true });
      },
    };
  });
}

it('classic store: data is there after closing and opening', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'trestle-classic-'));
  const first = await openStore({ folder, durability: 'fsync' });
  await first.commit([{ key: Buffer.from('a'), value: Buffer.from('1') }]);
  await first.close();
  const second = await openStore({ folder, durability: 'fsync' });
  expect(second.get(Buffer.from('a'))).toEqual(Buffer.from('1'));
  await second.close();
  await rm(folder, { recursive: true });
});

it('classic store: a batch that is durable is not said to have failed when the volume cannot be asked for its space', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'trestle-classic-'));
  const store = await openStore({ folder, durability: 'fsync' });
  await rename(folder, `${folder}-moved`);
  const value = Buffer.alloc(2 * 1024 * 1024, 1); // space is looked at after 1 MB
  await store.commit([{ key: Buffer.from('a'), value }]);
  expect(store.get(Buffer.from('a'))).toEqual(value);
  expect(store.writesRefused?.code).toBe('io');
  await rename(`${folder}-moved`, folder);
  await store.close();
  await rm(folder, { recursive: true });
});

it('classic store: with syncs apart, what was written across many logs is there after closing and opening', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'trestle-classic-'));
  const first = await openStore({ folder, durability: 'fsync', syncsApart: true });
  const value = Buffer.alloc(512 * 1024, 1);
  for (let index = 0; index < 60; index += 1) {
    await first.commit([{ key: Buffer.from(`k${index}`), value }], { sync: index % 2 === 0 });
  }
  await first.close();
  const second = await openStore({ folder, durability: 'fsync', syncsApart: true });
  for (let index = 0; index < 60; index += 1) {
    expect(second.get(Buffer.from(`k${index}`))?.length).toBe(value.length);
  }
  await second.close();
  await rm(folder, { recursive: true });
});
