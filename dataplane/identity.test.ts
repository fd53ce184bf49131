import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { assertEmbeddedFolder, claimFolder, IdentityError, readIdentity } from './identity.ts';
import { openStore } from './storage/open.ts';
import { StoreError } from './storage/store.ts';

let base: string;
let folder: string;
beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'trestle identity '));
  folder = join(base, 'data');
});
afterEach(() => rm(base, { recursive: true, force: true }));

const wanted = { clusterId: 'cluster-1', nodeId: 'a-1', zone: 'a' };

async function setUp() {
  const identity = await claimFolder(folder, wanted);
  await (await openStore({ folder, durability: 'fsync' })).close();
  return identity;
}

/** A NODE file as some version wrote it. */
async function writeNode(version: number, body: object) {
  const checksum = crc32(JSON.stringify(body));
  await writeFile(join(folder, 'NODE'), `${JSON.stringify({ version, checksum, body })}\n`);
}

describe('claimFolder', () => {
  it('makes a new folder this node’s, beside what the store writes', async () => {
    const identity = await setUp();
    expect(identity).toEqual({ ...wanted, storeId: expect.stringMatching(/^[0-9a-f-]{36}$/) });
    expect((await readdir(folder)).sort()).toEqual(['FORMAT', 'NODE', 'db']);
    expect(JSON.parse(await readFile(join(folder, 'NODE'), 'utf8'))).toMatchObject({
      version: 1,
      body: { storageFormat: 1, ...identity },
    });
  });

  it('finds the same identity again', async () => {
    const identity = await setUp();
    expect(await claimFolder(folder, wanted)).toEqual(identity);
    expect(await readIdentity(folder)).toEqual(identity);
  });

  it.each([
    ['before the store was made', async () => void (await claimFolder(folder, wanted))],
    [
      'while NODE was written',
      async () => {
        await mkdir(folder);
        await writeFile(join(folder, 'NODE.new'), '{"ver');
      },
    ],
  ])('takes a folder whose set-up was interrupted %s', async (_when, interrupt) => {
    await interrupt();
    const identity = await setUp();
    expect(await claimFolder(folder, wanted)).toEqual(identity);
    expect((await readdir(folder)).sort()).toEqual(['FORMAT', 'NODE', 'db']);
  });

  it('is a new node once its store is lost, whatever else is left', async () => {
    const before = await setUp();
    await rm(join(folder, 'db'), { recursive: true });
    await rm(join(folder, 'FORMAT'));
    const after = await claimFolder(folder, wanted);
    expect(after.storeId).not.toBe(before.storeId);
  });

  it.each([
    [{ clusterId: 'other' }, 'belongs to cluster cluster-1, the topology says other'],
    [{ nodeId: 'b-1' }, 'belongs to node a-1, the topology says b-1'],
    [{ zone: 'b' }, 'belongs to node a-1 in zone a, the topology says b'],
  ])('refuses %j, and leaves the folder as it is', async (difference, complaint) => {
    await setUp();
    const before = await readFile(join(folder, 'NODE'));
    await expect(claimFolder(folder, { ...wanted, ...difference })).rejects.toEqual(
      new IdentityError(`${folder} ${complaint}`),
    );
    expect(await readFile(join(folder, 'NODE'))).toEqual(before);
  });

  it('refuses the folder of an embedded server', async () => {
    await (await openStore({ folder, durability: 'fsync' })).close();
    await expect(claimFolder(folder, wanted)).rejects.toEqual(
      new IdentityError(
        `${folder} holds the tables of an embedded server: a node needs a folder of its own`,
      ),
    );
    expect(existsSync(join(folder, 'NODE'))).toBe(false);
  });

  it('refuses a folder of something else', async () => {
    await mkdir(folder);
    await writeFile(join(folder, 'thesis.tex'), 'x');
    await expect(claimFolder(folder, wanted)).rejects.toMatchObject({ code: 'damaged' });
    expect(await readdir(folder)).toEqual(['thesis.tex']);
  });
});

describe('NODE', () => {
  const body = { storageFormat: 1, ...wanted, storeId: 's' };

  it('is read whatever a later version of the same format has added', async () => {
    await mkdir(folder);
    await writeNode(1, { ...body, colour: 'green' });
    expect(await readIdentity(folder)).toEqual({ ...wanted, storeId: 's' });
  });

  it.each([
    [2, body, 'the file has format 2, this version reads up to 1.'],
    [1, { storageFormat: 2 }, 'the data has storage format 2, this version reads up to 1.'],
  ])('of a newer version (%d, %j) is refused', async (version, newer, complaint) => {
    await mkdir(folder);
    await writeNode(version, newer);
    await expect(readIdentity(folder)).rejects.toEqual(
      new StoreError(
        'newerFormat',
        `${join(folder, 'NODE')} was written by a newer Trestle: ${complaint}`,
      ),
    );
  });

  it.each([
    '',
    'null',
    '{}',
    '{"version": 1}',
    '{"version": 1, "body": {}}',
    `{"version": 1, "checksum": 1, "body": ${JSON.stringify(body)}}`,
    `{"version": 1, "checksum": ${crc32('{"storageFormat":1}')}, "body": {"storageFormat": 1}}`,
  ])('is refused as damaged: %s', async (text) => {
    await mkdir(folder);
    await writeFile(join(folder, 'NODE'), text);
    await expect(readIdentity(folder)).rejects.toEqual(
      new StoreError('damaged', `${join(folder, 'NODE')} is damaged: it names no node.`),
    );
  });
});

describe('assertEmbeddedFolder', () => {
  it('takes a folder that is absent, or an embedded server’s', async () => {
    await assertEmbeddedFolder(folder);
    await (await openStore({ folder, durability: 'fsync' })).close();
    await assertEmbeddedFolder(folder);
  });

  it('refuses the folder of a node', async () => {
    await setUp();
    await expect(assertEmbeddedFolder(folder)).rejects.toEqual(
      new IdentityError(
        `${folder} is the data folder of the node 'a-1' of a cluster: give another one`,
      ),
    );
  });
});
