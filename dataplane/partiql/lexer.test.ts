import { describe, expect, it } from 'vitest';
import { ClientFault } from '../errors/client-fault.ts';
import { tokenise } from './lexer.ts';

function kindsOf(text: string): readonly (readonly [string, string])[] {
  return tokenise(text)
    .slice(0, -1)
    .map(({ kind, text: content }) => [kind, content] as const);
}

describe('tokens', () => {
  it.each([
    [
      'a A _b $1 c9',
      [
        ['name', 'a'],
        ['name', 'A'],
        ['name', '_b'],
        ['name', '$1'],
        ['name', 'c9'],
      ],
    ],
    [
      'SELECT Where size',
      [
        ['keyword', 'select'],
        ['keyword', 'where'],
        ['keyword', 'size'],
      ],
    ],
    [
      '"a ""b"" \'" "select"',
      [
        ['quotedName', 'a "b" \''],
        ['quotedName', 'select'],
      ],
    ],
    [
      "'it''s' ''",
      [
        ['string', "it's"],
        ['string', ''],
      ],
    ],
    [
      '1 1.5 .5 1. 1e5 1E-5 1.5e+3',
      ['1', '1.5', '.5', '1.', '1e5', '1E-5', '1.5e+3'].map((text) => ['number', text]),
    ],
    [
      '1e x',
      [
        ['number', '1'],
        ['name', 'e'],
        ['name', 'x'],
      ],
    ],
    [
      '1 e5',
      [
        ['number', '1'],
        ['name', 'e5'],
      ],
    ],
    [
      'a.b[0]',
      [
        ['name', 'a'],
        ['symbol', '.'],
        ['name', 'b'],
        ['symbol', '['],
        ['number', '0'],
        ['symbol', ']'],
      ],
    ],
    [
      '<= >= <> != << >> || < > =',
      ['<=', '>=', '<>', '<>', '<<', '>>', '||', '<', '>', '='].map((text) => ['symbol', text]),
    ],
    [
      'a -- b\nc',
      [
        ['name', 'a'],
        ['name', 'c'],
      ],
    ],
    [
      'a/* b */c--',
      [
        ['name', 'a'],
        ['name', 'c'],
      ],
    ],
    [
      "'--' '/*'",
      [
        ['string', '--'],
        ['string', '/*'],
      ],
    ],
    ['?', [['parameter', '?']]],
    [' \t\r\n', []],
  ])('%s', (text, expected) => {
    expect(kindsOf(text)).toEqual(expected);
  });

  it('tell where they are, quotes included', () => {
    expect(tokenise('a "b c"').map(({ span }) => span)).toEqual([
      { offset: 0, length: 1 },
      { offset: 2, length: 5 },
      { offset: 7, length: 0 },
    ]);
  });

  it.each(["'a", '"a', "'a''", '/* a', '/*/', 'a # b', 'a @ b', '`a`', 'é', '!', '\u0000'])(
    'of %j there are none',
    (text) => {
      let fault: unknown;
      try {
        tokenise(text);
      } catch (thrown) {
        fault = thrown;
      }
      expect(fault).toBeInstanceOf(ClientFault);
      expect(fault).toMatchObject({
        type: 'ValidationException',
        message: "Statement wasn't well formed, can't be processed: ",
      });
    },
  );
});
