import { expect, test } from 'vitest';
import type { TableResource } from '../../dataplane/kubernetes/table-resource.ts';
import { tableOf } from './observed.fixture.ts';
import { TableIndex } from './table-index.ts';

const table = (name: string, tableName: string, phase?: string): TableResource => ({
  ...tableOf({ tableName }, { name, uid: name }),
  ...(phase && { status: { rollout: { phase } } }),
});
const namesOf = (tables: Iterable<TableResource>) =>
  Array.from(tables, ({ metadata }) => metadata.name);

test('tables of one name are found in their namespace, until they are gone', () => {
  const index = new TableIndex();
  const [a, b, other] = [table('a', 'Music'), table('b', 'Music'), table('c', 'Films')];
  for (const object of [a, b, other]) index.update({ kind: 'set', object });
  expect(namesOf(index.named('shop', 'Music'))).toEqual(['a', 'b']);
  expect(namesOf(index.named('elsewhere', 'Music'))).toEqual([]);
  index.update({ kind: 'gone', object: a, before: a });
  expect(namesOf(index.named('shop', 'Music'))).toEqual(['b']);
});

test('a table is found as it is now', () => {
  const index = new TableIndex();
  const [before, object] = [table('a', 'Music'), table('a', 'Music', 'Soaking')];
  index.update({ kind: 'set', object: before });
  index.update({ kind: 'set', object, before });
  expect([...index.named('shop', 'Music')]).toEqual([object]);
});

test('another table that came under the same key takes the place of the former one', () => {
  const index = new TableIndex();
  const [before, object] = [table('a', 'Music', 'Pending'), table('a', 'Films')];
  index.update({ kind: 'set', object: before });
  index.update({ kind: 'gone', object: before, before });
  index.update({ kind: 'set', object });
  expect(namesOf(index.named('shop', 'Music'))).toEqual([]);
  expect(namesOf(index.named('shop', 'Films'))).toEqual(['a']);
  expect(namesOf(index.rolling())).toEqual([]);
});

test('tables with a rollout are found while their status tells of it', () => {
  const index = new TableIndex();
  const [rolling, done] = [table('a', 'Music', 'Draining'), table('a', 'Music')];
  index.update({ kind: 'set', object: table('b', 'Films') });
  index.update({ kind: 'set', object: rolling });
  expect(namesOf(index.rolling())).toEqual(['a']);
  index.update({ kind: 'set', object: done, before: rolling });
  expect(namesOf(index.rolling())).toEqual([]);
});
