import { expect, test } from 'vitest';
import { Capacities } from './capacities.ts';

test('adds up what several answers consumed, table by table and index by index', () => {
  const capacities = new Capacities();
  capacities.add(undefined);
  capacities.add([
    {
      TableName: 'A',
      CapacityUnits: 3,
      Table: { CapacityUnits: 1 },
      GlobalSecondaryIndexes: { x: { CapacityUnits: 2 } },
    },
    { TableName: 'B', CapacityUnits: 1 },
  ]);
  capacities.add([
    {
      TableName: 'A',
      CapacityUnits: 5,
      Table: { CapacityUnits: 1 },
      GlobalSecondaryIndexes: { x: { CapacityUnits: 1 }, __proto__x: { CapacityUnits: 3 } },
    },
  ]);
  expect(capacities.toList()).toEqual([
    {
      TableName: 'A',
      CapacityUnits: 8,
      Table: { CapacityUnits: 2 },
      GlobalSecondaryIndexes: { x: { CapacityUnits: 3 }, __proto__x: { CapacityUnits: 3 } },
    },
    { TableName: 'B', CapacityUnits: 1 },
  ]);
});

test('is empty where nothing was shown', () => {
  const capacities = new Capacities();
  capacities.add(undefined);
  capacities.add([]);
  expect(capacities.toList()).toEqual([]);
});
