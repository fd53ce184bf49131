import { describe, expect, it } from 'vitest';
import { ClientFault } from '../errors/client-fault.ts';
import { parseProjection } from './projection-parser.ts';
import { Substitutions } from './substitutions.ts';

function faultOf(text: string, names: Record<string, string> = {}) {
  try {
    parseProjection(text, new Substitutions(names, undefined));
  } catch (fault) {
    if (!(fault instanceof ClientFault)) throw fault;
    return fault.message;
  }
  return 'no fault';
}

describe('parseProjection', () => {
  it('reads paths and resolves names', () => {
    const names = { '#a': 'a.b', '#b': '__proto__' };
    expect(parseProjection('a, #a[0].c ,d.#b', new Substitutions(names, undefined))).toEqual([
      ['a'],
      ['a.b', 0, 'c'],
      ['d', '__proto__'],
    ]);
  });

  it.each([
    ['whatever(stuff)', '(', 'whatever(stuff'],
    [':a', ':a', ':a'],
    ['abort,', '<EOF>', ','],
    ['a,,b', ',', ',,b'],
    ['a..b', '.', '..b'],
    ['a[b]', 'b', '[b]'],
    ['#l[].a', ']', '[].'],
    ['(a)', '(', '(a'],
    ['a-b', '-', 'a-b'],
    ['!!!INVALID', '!', '!!'],
    ['a b', 'b', 'a b'],
  ])('refuses what is no list of paths: %s', (text, token, near) => {
    expect(faultOf(text)).toBe(
      `Invalid ProjectionExpression: Syntax error; token: "${token}", near: "${near}"`,
    );
  });

  it.each([
    ['', 'The expression can not be empty;'],
    ['a.abORt', 'Attribute name is a reserved keyword; reserved keyword: abORt'],
    ['#a,ABSoLUTE', 'Attribute name is a reserved keyword; reserved keyword: ABSoLUTE'],
    [
      'a,b,a,#x',
      'An expression attribute name used in the document path is not defined; attribute name: #x',
    ],
    [
      'a,b,a',
      'Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [a], path two: [a]',
    ],
    [
      'b[1], b.a, #a.b, a',
      'Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [a, b], path two: [a]',
    ],
    [
      'a, #a[1]',
      'Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [a], path two: [a, [1]]',
    ],
    [
      'a.b, #a[1], #b',
      'Two document paths conflict with each other; must remove or rewrite one of these paths; path one: [a, b], path two: [a, [1]]',
    ],
    [
      'a.b[1], #a[1], #b',
      'Two document paths conflict with each other; must remove or rewrite one of these paths; path one: [a, b, [1]], path two: [a, [1]]',
    ],
    [
      'a[3].b, #a.#b.b',
      'Two document paths conflict with each other; must remove or rewrite one of these paths; path one: [a, [3], b], path two: [a, [3], b]',
    ],
  ])('refuses paths that it cannot serve: %s', (text, message) => {
    expect(faultOf(text, { '#a': 'a', '#b': '[3]' })).toBe(
      `Invalid ProjectionExpression: ${message}`,
    );
  });
});
