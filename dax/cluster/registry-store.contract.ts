import { expect, it } from 'vitest';
import type { RegistryStore } from './registry-store.ts';

/** What every registry store does. `open` gives the same records each time, to another caller. */
export function registryStoreContract(open: () => RegistryStore): void {
  it('knows nothing of an id that nobody put', async () => {
    expect(await open().get('absent')).toBeUndefined();
  });

  it('gives back what was put, to everybody', async () => {
    const value = { list: ['a', 'ü', ''], nested: { n: 1 }, none: null };
    const version = await open().put('kept', value, undefined);
    expect(version).toEqual(expect.any(String));
    expect(await open().get('kept')).toEqual({ value, version });
  });

  it('puts where the version is the one expected, and nowhere else', async () => {
    const store = open();
    const first = await store.put('changed', { n: 1 }, undefined);
    expect(await store.put('changed', { n: 2 }, undefined)).toBeUndefined();
    expect(await store.put('changed', { n: 2 }, 'another')).toBeUndefined();
    expect(await store.put('unborn', { n: 2 }, first)).toBeUndefined();
    const second = await store.put('changed', { n: 3 }, first);
    expect(second).not.toBe(first);
    expect(await store.put('changed', { n: 4 }, first)).toBeUndefined();
    expect(await open().get('changed')).toEqual({ value: { n: 3 }, version: second });
    expect(await store.get('unborn')).toBeUndefined();
  });

  it('lets one of several win', async () => {
    const puts = Array.from({ length: 8 }, (_, n) => open().put('raced', { n }, undefined));
    const versions = await Promise.all(puts);
    const winners = versions.filter((version) => version !== undefined);
    expect(winners).toHaveLength(1);
    const record = await open().get('raced');
    expect(record?.version).toBe(winners[0]);
    expect(record?.value).toEqual({ n: versions.findIndex((version) => version !== undefined) });
  });

  it('takes ids with any characters', async () => {
    const store = open();
    const ids = ['list/12', 'list%2F12', '..', 'Ü x', '*'];
    for (const id of ids) await store.put(id, { id }, undefined);
    for (const id of ids) expect((await store.get(id))?.value).toEqual({ id });
  });
}
