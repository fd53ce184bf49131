import { describe, expect, it } from 'vitest';
import { messageOf } from './fault-of.fixture.ts';
import { requestIn } from './parsing.fixture.ts';
import { hex } from './vectors.fixture.ts';

/** The text of the fault that a request is answered with. */
function faultIn(request: string): string | undefined {
  return messageOf(() => requestIn(hex(request.replaceAll(' ', ''))));
}

describe('requests whose content is wrong', () => {
  it.each([
    [
      'a name twice',
      '82 6161 6161',
      'The request is malformed: an attribute list has the name a twice',
    ],
    ['an empty name', '81 60', 'Empty attribute name'],
    ['no array', '6161', 'The request is malformed: an array was expected'],
  ])('an attribute list with %s is refused', (_, names, message) => {
    expect(faultIn(`01 3a495927bb ${names}`)).toBe(message);
  });

  it.each([
    [
      'an unknown option',
      'bf 18 18 01 ff',
      'The request is malformed: 24 is no option of requests',
    ],
    ['RequestItems', 'bf 12 a0 ff', 'The request is malformed: 18 is no option of requests'],
    [
      'a flag of 2',
      'bf 02 02 ff',
      'The request is malformed: the value of ConsistentRead is none it can have',
    ],
    [
      'unknown return values',
      'bf 07 06 ff',
      'The request is malformed: the value of ReturnValues is none it can have',
    ],
    [
      'a projection that is a text',
      'bf 00 6161 ff',
      'The request is malformed: a byte string was expected',
    ],
    ['a list for options', '80', 'The request is malformed: a map was expected'],
  ])('%s is refused, and the connection goes on', (_, options, message) => {
    expect(faultIn(`01 1a0fb0cc6a 4161 4161 ${options}`)).toBe(message);
  });

  describe('counts', () => {
    const member = (path: string, text: string) =>
      `1 validation error detected: Value at '${path}' failed to satisfy constraint: ${text}`;
    const keys = (count: number) =>
      `98${count.toString(16).padStart(2, '0')}${'4161'.repeat(count)}`;

    it('100 keys over all tables of BatchGetItem are read', () => {
      const request = requestIn(
        hex(`013a29985cdba2 6161 83f4f6${keys(60)} 6162 83f5f6${keys(40)} f6`.replaceAll(' ', '')),
      );
      expect(request).toMatchObject({
        tables: [
          { table: 'a', consistentRead: false },
          { table: 'b', consistentRead: true },
        ],
      });
    });

    it.each([
      [
        'more than 100 keys, of which the table that has most is named',
        `013a29985cdb a3 6161 83f4f6${keys(50)} 6162 83f4f6${keys(90)} 6163 83f4f6${keys(2)} f6`,
        member('RequestItems.b.member.Keys', 'Member must have length less than or equal to 100'),
      ],
      [
        'a table without keys',
        '013a29985cdb a1 6161 83f4f680 f6',
        member('RequestItems.a.member.Keys', 'Member must have length greater than or equal to 1'),
      ],
      [
        'a BatchGetItem without tables',
        '013a29985cdb a0 f6',
        member('RequestItems', 'Member must have length greater than or equal to 1'),
      ],
      [
        'more than 25 writes',
        `011a06ed585f a1 6161 9834${'4161f6'.repeat(26)} f6`,
        member(
          'requestItems',
          'Map value must satisfy constraint: [Member must have length less than or equal to 25, Member must have length greater than or equal to 1]',
        ),
      ],
      [
        'a BatchWriteItem without tables',
        '011a06ed585f a0 f6',
        'The requestItems parameter is required for BatchWriteItem',
      ],
      [
        'a key without its item',
        '011a06ed585f a1 6161 814161 f6',
        'The request is malformed: an item or null was expected',
      ],
      [
        'more than 100 gets in a transaction',
        `011a6f3d49db 9865${'4161'.repeat(101)} 814161 81f6 f6`,
        member('transactItems', 'Member must have length less than or equal to 100'),
      ],
      [
        'a transaction without gets',
        '011a6f3d49db 80 80 80 f6',
        member('transactItems', 'Member must have length greater than or equal to 1'),
      ],
      [
        'lists of a transaction that differ in length',
        '011a6f3d49db 824161 4161 814161 82f6f6 f6',
        'The request is malformed: the lists of a transaction differ in length',
      ],
      [
        'an unknown operation in a transaction',
        '013a4524c569 8103 814161 814161 81f6 f6 8101 81f6 81f6 f6',
        'The request is malformed: 3 is no operation of transactions',
      ],
    ])('%s: refused', (_, request, message) => {
      expect(faultIn(request)).toBe(message);
    });
  });
});
