import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FileWatch } from './file-watch.ts';

let folder: string;
let watch: FileWatch | undefined;
let changesCount = 0;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'trestle watch '));
  changesCount = 0;
});
afterEach(() => {
  watch?.close();
  rmSync(folder, { recursive: true, force: true });
});

/** The poll never comes of itself unless a test asks for it. */
function start(paths: readonly string[], pollMs = 3_600_000): void {
  watch = FileWatch.start({ paths: () => paths, onChange: () => (changesCount += 1), pollMs });
}

/** As kubelet writes a ConfigMap or Secret: a folder of its own, and a link to it that is swapped. */
function publish(version: string, files: Readonly<Record<string, string>>): void {
  mkdirSync(join(folder, version));
  for (const [name, text] of Object.entries(files)) {
    writeFileSync(join(folder, version, name), text);
    symlinkSync(join('..data', name), join(folder, `${name}.new`));
    renameSync(join(folder, `${name}.new`), join(folder, name));
  }
  symlinkSync(version, join(folder, '..data.new'));
  renameSync(join(folder, '..data.new'), join(folder, '..data'));
}

/** In one step. */
function replace(path: string, text: string): void {
  writeFileSync(`${path}.new`, text);
  renameSync(`${path}.new`, path);
}

describe('a watch over files', () => {
  it('sees a file that is written', async () => {
    const file = join(folder, 'topology.json');
    writeFileSync(file, '1');
    start([file]);
    writeFileSync(file, '2');
    await expect.poll(() => changesCount).toBe(1);
  });

  it('sees a mounted volume that is swapped, once, with all its files', async () => {
    publish('..1', { 'tls.crt': 'a', 'tls.key': 'b' });
    start([join(folder, 'tls.crt'), join(folder, 'tls.key')]);
    publish('..2', { 'tls.crt': 'c', 'tls.key': 'd' });
    await expect.poll(() => changesCount).toBe(1);
  });

  it('does not mind what is beside them, nor the same again', async () => {
    const file = join(folder, 'topology.json');
    writeFileSync(file, '1');
    start([file], 20);
    replace(join(folder, 'other.json'), '2');
    replace(file, '1');
    // Seen by two watches: the first has had as much time to see the rest.
    let lastCount = 0;
    const paths = [join(folder, 'other.json')];
    const second = FileWatch.start({ paths: () => paths, onChange: () => (lastCount += 1) });
    replace(join(folder, 'other.json'), '3');
    await expect.poll(() => lastCount).toBe(1);
    second.close();
    expect(changesCount).toBe(0);
  });

  it('sees files of a folder that was not there, by looking now and then', async () => {
    const file = join(folder, 'later', 'tls.crt');
    start([file], 20);
    mkdirSync(join(folder, 'later'));
    writeFileSync(file, 'a');
    await expect.poll(() => changesCount).toBeGreaterThan(0);
    const beforeCount = changesCount;
    rmSync(join(folder, 'later'), { recursive: true });
    await expect.poll(() => changesCount).toBeGreaterThan(beforeCount);
  });

  it('looks at others when their paths change', async () => {
    const [one, other] = [join(folder, 'one'), join(folder, 'other')];
    writeFileSync(one, '1');
    writeFileSync(other, '1');
    let paths = [one];
    watch = FileWatch.start({
      paths: () => paths,
      onChange: () => {
        changesCount += 1;
        paths = [other];
      },
    });
    writeFileSync(one, '2');
    await expect.poll(() => changesCount).toBe(1);
    writeFileSync(other, '2');
    await expect.poll(() => changesCount).toBe(2);
  });

  it('says nothing after its end', async () => {
    const file = join(folder, 'topology.json');
    writeFileSync(file, '1');
    start([file], 20);
    watch?.close();
    writeFileSync(file, '2');
    start([file]);
    writeFileSync(file, '3');
    await expect.poll(() => changesCount).toBe(1);
  });
});
