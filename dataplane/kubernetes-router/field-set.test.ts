import { describe, expect, it } from 'vitest';
import type { ManagedFields } from '../kubernetes/object.ts';
import {
  entryStep,
  extract,
  fieldsOf,
  managersOf,
  memberStep,
  pathOfText,
  pathText,
} from './field-set.ts';

/** As a 1.36 server has written them. */
function entry(manager: string, fieldsV1: Record<string, unknown>): ManagedFields {
  const apiVersion = 'trestle.dev/v1alpha1';
  return { manager, operation: 'Apply', apiVersion, fieldsType: 'FieldsV1', fieldsV1 };
}

const gitops = entry('gitops', {
  'f:spec': {
    'f:tableName': {},
    'f:keySchema': {},
    'f:tags': { 'k:{"key":"team"}': { '.': {}, 'f:key': {}, 'f:value': {} } },
    'f:storage': { 'f:size': {} },
  },
});
const own = entry('trestle-api', {
  'f:spec': {
    'f:globalSecondaryIndexes': {
      'k:{"indexName":"ByYear"}': { 'f:provisionedThroughput': { 'f:readCapacityUnits': {} } },
    },
    'f:tags': { 'k:{"key":"cost"}': { '.': {}, 'f:key': {}, 'f:value': {} } },
    'f:zones': { 'v:"a"': {} },
  },
});
const table = {
  spec: {
    tableName: 'Music',
    keySchema: [{ attributeName: 'pk', keyType: 'HASH' }],
    tags: [
      { key: 'team', value: 'radio' },
      { key: 'cost', value: '7' },
    ],
    globalSecondaryIndexes: [
      {
        indexName: 'ByYear',
        projection: { projectionType: 'ALL' },
        provisionedThroughput: { readCapacityUnits: 5, writeCapacityUnits: 6 },
      },
    ],
    zones: ['a', 'b'],
    storage: { size: '10Gi' },
  },
};

describe('what a manager owns of an object', () => {
  it('is taken out member by member, entry by entry, atomic lists as a whole', () => {
    expect(extract(table, fieldsOf([gitops]))).toEqual({
      spec: {
        tableName: 'Music',
        keySchema: [{ attributeName: 'pk', keyType: 'HASH' }],
        tags: [{ key: 'team', value: 'radio' }],
        storage: { size: '10Gi' },
      },
    });
  });

  it('has the keys of an entry of which only a part is owned, and elements of sets', () => {
    expect(extract(table, fieldsOf([own]))).toEqual({
      spec: {
        tags: [{ key: 'cost', value: '7' }],
        globalSecondaryIndexes: [
          { indexName: 'ByYear', provisionedThroughput: { readCapacityUnits: 5 } },
        ],
        zones: ['a'],
      },
    });
  });

  it('is put together from several entries', () => {
    const both = extract(table, fieldsOf([gitops, own]));
    expect(both).toHaveProperty('spec.tags', table.spec.tags);
  });

  it('is nothing without entries, and with one that has given up all its fields', () => {
    expect(extract(table, fieldsOf([]))).toBeUndefined();
    expect(extract(table, fieldsOf([entry('trestle-api', { 'f:spec': {} })]))).toBeUndefined();
  });

  it('does not have what is gone meanwhile', () => {
    expect(extract({ spec: {} }, fieldsOf([gitops]))).toBeUndefined();
  });
});

describe('the managers of a field', () => {
  const spec = memberStep('spec');
  const cases = [
    { path: [spec, memberStep('tableName')], owners: ['gitops'] },
    { path: [spec, memberStep('tags')], owners: ['gitops', 'trestle-api'] },
    { path: [spec, memberStep('tags'), entryStep('key', 'cost')], owners: ['trestle-api'] },
    { path: [spec, memberStep('tags'), entryStep('key', 'none')], owners: [] },
    { path: [spec, memberStep('tableClass')], owners: [] },
  ];

  it.each(cases)('$path: $owners', ({ path, owners }) => {
    const empty = entry('former', { 'f:spec': {} });
    expect(managersOf([gitops, own, empty], path)).toEqual(owners);
  });

  it('are asked for by the paths that the API server writes', () => {
    const text = '.spec.globalSecondaryIndexes[indexName="By \\"Year\\""].keySchema';
    const path = pathOfText(text);
    expect(path).toEqual([
      spec,
      memberStep('globalSecondaryIndexes'),
      entryStep('indexName', 'By "Year"'),
      memberStep('keySchema'),
    ]);
    expect(`.${pathText(path)}`).toBe(text);
  });
});
