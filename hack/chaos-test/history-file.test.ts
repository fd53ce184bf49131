import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, test } from 'vitest';
import { findStaleReads } from '../../dataplane/simulation/eventual-reads.ts';
import { checkLinearizable } from '../../dataplane/simulation/linearizability.ts';
import {
  type HistoryLine,
  HistoryWriter,
  readHistoryLines,
  recordedOperations,
} from './history-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'history-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const put: HistoryLine = {
  client: 'a1',
  key: 'k',
  operation: { kind: 'put', value: 'one' },
  outcome: { kind: 'ok' },
  calledNs: 1_000_000,
  returnedNs: 3_000_000,
};
const lost: HistoryLine = {
  client: 'a2',
  key: 'k',
  operation: { kind: 'put', value: 'two' },
  outcome: { kind: 'unknown' },
  calledNs: 4_000_000,
  returnedNs: 9_000_000,
};
const absent: HistoryLine = {
  client: 'b1',
  key: 'k',
  operation: { kind: 'get' },
  outcome: { kind: 'ok', value: undefined },
  calledNs: 500_000,
  returnedNs: 900_000,
};

test('history: what is written is read again, absent values too', async () => {
  const path = join(folder, 'one.jsonl');
  const writer = new HistoryWriter(path);
  for (const line of [put, lost, absent]) writer.write(line);
  await writer.close();
  const [first, second, third] = await readHistoryLines([path]);
  assert.deepEqual([first, second], [put, lost]);
  assert(third?.outcome.kind === 'ok');
  assert.equal(third.outcome.value, undefined);
});

test('history: operations are in order of their calls; an unknown outcome has not returned', () => {
  const [first, second, third] = recordedOperations([put, lost, absent]);
  assert.deepEqual([first?.id, first?.client, first?.calledMs], [0, 'b1', 0.5]);
  assert.deepEqual([second?.calledAt, second?.returnedAt], [1_000_000, 3_000_000]);
  assert.equal(third?.returnedAt, Number.POSITIVE_INFINITY);
  assert.equal(third?.returnedMs, Number.POSITIVE_INFINITY);
});

function get(value: string | undefined, calledNs: number, kind: 'get' | 'getEventual' = 'get') {
  const outcome = { kind: 'ok', value } as const;
  return { ...absent, operation: { kind }, outcome, calledNs, returnedNs: calledNs + 1_000 };
}

test('history: the checkers find a lost write in it, and let an unknown one take effect late', () => {
  const good = [absent, put, lost, get('one', 10_000_000), get('two', 20_000_000)];
  assert.equal(checkLinearizable(recordedOperations(good)).verdict, 'linearizable');
  const bad = [absent, put, lost, get(undefined, 10_000_000)];
  assert.equal(checkLinearizable(recordedOperations(bad)).verdict, 'violated');
});

test('history: an eventual read that is too old is found', () => {
  const second: HistoryLine = { ...put, operation: { kind: 'put', value: 'new' }, calledNs: 5e6 };
  const lines = [put, { ...second, returnedNs: 6e6 }];
  const soon = get('one', 9e9, 'getEventual');
  assert.equal(findStaleReads(recordedOperations([...lines, soon])).length, 0);
  const late = get('one', 11e9, 'getEventual');
  assert.equal(findStaleReads(recordedOperations([...lines, late])).length, 1);
});
