import type { TableInfo } from '../tables/table-descriptions.ts';

/** A table of string and number keys with an index of each kind. */
export const music: TableInfo = {
  name: 'Music',
  id: 'id-of-music',
  arn: 'arn:aws:dynamodb:us-east-1:123456789012:table/Music',
  key: { hash: { name: 'Artist', type: 'S' }, range: { name: 'Song', type: 'S' } },
  localIndexes: new Map([
    ['ByYear', { hash: { name: 'Artist', type: 'S' }, range: { name: 'Year', type: 'N' } }],
  ]),
  globalIndexes: new Map([
    ['ByGenre', { hash: [{ name: 'Genre', type: 'S' }], range: [{ name: 'Year', type: 'N' }] }],
  ]),
};
