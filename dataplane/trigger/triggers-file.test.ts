import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { readTriggersFile, TriggersFileError } from './triggers-file.ts';

let folder: string;
let path: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'trestle triggers '));
  path = join(folder, 'triggers.json');
});
afterEach(() => rmSync(folder, { recursive: true }));

const audit = { name: 'audit', target: { url: 'http://hook.test/' } };

function read(content: unknown, before = new Map(), nowMs = 1_000) {
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  return readTriggersFile(path, before, nowMs);
}

it('triggers file: tables and their triggers, new ones with the time as id', () => {
  const triggers = read({ Orders: [audit, { ...audit, name: 'second' }], Other: [] });
  expect([...triggers.keys()]).toEqual(['Orders', 'Other']);
  expect(triggers.get('Orders')).toMatchObject([
    { ...audit, id: 1_000, batchSize: 100 },
    { name: 'second', id: 1_000 },
  ]);
});

it('triggers file: a trigger that is changed keeps its id', () => {
  const before = read({ Orders: [audit] });
  const after = read({ Orders: [{ ...audit, batchSize: 7 }] }, new Map(before), 2_000);
  expect(after.get('Orders')).toMatchObject([{ id: 1_000, batchSize: 7 }]);
});

it.each([
  ['{', 'is not JSON'],
  ['[]', 'is not a JSON object'],
  ['{"Orders":{}}', 'needs a list at Orders, not {}'],
  ['{"Orders":[1]}', 'needs an object at Orders[0]'],
  ['{"My orders":[]}', 'needs names of tables, not "My orders"'],
  [
    '{"Orders":[{"name":"audit","target":{"url":"http://x/"},"filterPatterns":[{"a":[]}]}]}',
    'is refused: filter pattern: a is an empty list (trigger audit) (table Orders)',
  ],
  [
    '{"Orders":[{"name":"audit","target":{"url":"x"}}]}',
    'needs an http or https address at Orders[0].target.url, not "x"',
  ],
])('triggers file: %s is refused in one line that names the file', (content, complaint) => {
  expect(() => read(content)).toThrow(
    new TriggersFileError(`the triggers file ${path} ${complaint}`),
  );
});

it('triggers file: one that is not there is refused', () => {
  expect(() => readTriggersFile(path, new Map(), 0)).toThrow(
    `cannot read the triggers file ${path}: ENOENT`,
  );
});
