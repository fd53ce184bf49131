import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterAll, describe, expect, it } from 'vitest';
import { UsageError } from '../dataplane/option-values.ts';
import { watchFile } from './watched-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'trestle-watched-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const lines: string[] = [];
const log = pino({ base: null }, { write: (line: string) => lines.push(line) });

function watch(path: string, onChange: (content: number) => void = () => undefined) {
  return watchFile({
    path,
    what: 'number file',
    parse: (text, complain) => (/^\d+$/.test(text) ? Number(text) : complain('has no number')),
    onChange,
    log,
  });
}

/** As Kubernetes and careful editors do it. */
function replace(path: string, text: string): void {
  writeFileSync(`${path}.new`, text);
  renameSync(`${path}.new`, path);
}

describe('watched file', () => {
  it('is read, and again when it changes', async () => {
    const path = join(folder, 'changes');
    writeFileSync(path, '1');
    const seen: number[] = [];
    const { content, close } = watch(path, (number) => seen.push(number));
    expect(content).toBe(1);
    replace(path, '2');
    await expect.poll(() => seen).toEqual([2]);
    close();
  });

  it('keeps what it said when a change is refused, and says so', async () => {
    const path = join(folder, 'refused');
    writeFileSync(path, '1');
    const seen: number[] = [];
    const { close } = watch(path, (number) => seen.push(number));
    replace(path, 'x');
    await expect.poll(() => lines.join('')).toContain(`the number file ${path} has no number`);
    replace(path, '3');
    await expect.poll(() => seen).toEqual([3]);
    close();
  });

  it('has to be there, and right, at the start', () => {
    const path = join(folder, 'absent');
    expect(() => watch(path)).toThrow(
      new UsageError(`cannot read the number file ${path}: ENOENT`),
    );
    writeFileSync(path, 'x');
    expect(() => watch(path)).toThrow(new UsageError(`the number file ${path} has no number`));
  });
});
