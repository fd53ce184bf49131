import { describe, expect, it } from 'vitest';
import type { TableInfo } from '../tables/table-descriptions.ts';
import { attributeSelectionOf, suits } from './attribute-selection.ts';

const table: TableInfo = {
  name: 'Music',
  id: 'id',
  arn: 'arn',
  key: { hash: { name: 'Artist', type: 'S' }, range: { name: 'Song', type: 'S' } },
  localIndexes: new Map([
    ['ByYear', { hash: { name: 'Artist', type: 'S' }, range: { name: 'Year', type: 'N' } }],
  ]),
  globalIndexes: new Map([['ByGenre', { hash: [{ name: 'Genre', type: 'S' }], range: [] }]]),
};

describe('attributes that a read asks for', () => {
  it('are all of them without a projection', () => {
    expect(attributeSelectionOf(undefined, undefined)).toEqual({ projection: undefined });
  });

  it('are the paths of the projection, names put in', () => {
    expect(attributeSelectionOf('#a.b[0], c', { '#a': 'size' })).toEqual({
      projection: [['size', 'b', 0], ['c']],
    });
  });

  it.each([
    ['names without a projection', undefined, { '#a': 'a' }],
    ['a syntax error', 'a,', undefined],
    ['an empty text', '', undefined],
    ['a reserved word', 'size', undefined],
    ['paths that overlap', 'a, a.b', undefined],
    ['a name that is not defined', '#a', undefined],
    ['a name that is not used', 'b', { '#a': 'a' }],
    ['a token of the wrong form', 'b', { a: 'a' }],
    ['an empty name', '#a', { '#a': '' }],
    ['no names at all', 'b', {}],
    ['a name that is no text', '#a', { '#a': 1 }],
    ['names that are a list', 'b', ['#a']],
    ['names that are null', 'b', null],
    ['a projection that is no text', 1, undefined],
    ['a projection that is null', null, undefined],
  ])('%s is left to the table', (_what, expression, names) => {
    expect(attributeSelectionOf(expression, names)).toBeUndefined();
  });

  it('may go into any attribute but those of keys', () => {
    const suitsTable = (expression: string, names?: unknown) => {
      const selection = attributeSelectionOf(expression, names);
      return selection && suits(selection, table);
    };
    expect(suitsTable('Artist, Song, #y, a.b', { '#y': 'Year' })).toBe(true);
    expect(suitsTable('Artist.a')).toBe(false);
    expect(suitsTable('Song[0]')).toBe(false);
    expect(suitsTable('#y.a', { '#y': 'Year' })).toBe(false);
    expect(suitsTable('Genre.a')).toBe(false);
  });
});
