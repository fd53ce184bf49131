import { beforeEach, expect, test } from 'vitest';
import type { TableResource } from '../../dataplane/kubernetes/table-resource.ts';
import { tableOf } from './observed.fixture.ts';
import { RolloutTurn } from './rollout-turn.ts';

const named = (name: string, phase?: string): TableResource => ({
  ...tableOf({}, { name, uid: name }),
  ...(phase && { status: { rollout: { phase } } }),
});

let tables: readonly TableResource[];
let upgrading: ReadonlySet<string>;
let turn: RolloutTurn;

beforeEach(() => {
  tables = [named('a'), named('b')];
  upgrading = new Set();
  turn = new RolloutTurn({
    rollingTables: () => tables,
    isUpgrading: ({ metadata }) => upgrading.has(metadata.name),
  });
});

test('who begins has the turn until it is done, before its status shows it', () => {
  expect(turn.rollingBesides(named('a'))).toBeUndefined();
  turn.planned(named('a'), 'Draining');
  expect(turn.rollingBesides(named('b'))).toBe('shop/a');
  expect(turn.rollingBesides(named('a'))).toBeUndefined();
  turn.planned(named('a'), undefined);
  expect(turn.rollingBesides(named('b'))).toBeUndefined();
});

test('another operator finds in the status who is at it', () => {
  tables = [named('a', 'Soaking'), named('b')];
  expect(turn.rollingBesides(named('b'))).toBe('shop/a');
});

test('an upgrade that has stopped holds other upgrades, and nothing else', () => {
  tables = [named('a', 'Stopped'), named('b')];
  expect(turn.rollingBesides(named('b'))).toBeUndefined();
  upgrading = new Set(['a', 'b']);
  expect(turn.rollingBesides(named('b'))).toBe('shop/a');
  upgrading = new Set(['a']);
  expect(turn.rollingBesides(named('b'))).toBeUndefined();
});

test('a table that is gone holds nobody', () => {
  turn.planned(named('a'), 'Restarting');
  tables = [named('b')];
  turn.forget('shop/a');
  expect(turn.rollingBesides(named('b'))).toBeUndefined();
});
