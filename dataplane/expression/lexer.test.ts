import { describe, expect, it } from 'vitest';
import { tokenize } from './lexer.ts';

const kinds = (text: string) => tokenize(text).map(({ kind }) => kind);
const texts = (text: string) => tokenize(text).map((token) => token.text);

describe('tokenize', () => {
  it('tells words, placeholders, indexes, keywords and symbols apart', () => {
    const text = 'a1_ #1_b :c<=:d<>=e[10].f aNd(g)-h,+<>';
    expect(kinds(text).join(' ')).toBe(
      'word name value <= value <> = word [ index ] . word AND ( word ) - word , + <> end',
    );
    expect(texts(text).slice(0, 4)).toEqual(['a1_', '#1_b', ':c', '<=']);
  });

  it('an index does not start with 0 but for 0 itself', () => {
    expect(texts('[00][120]')).toEqual(['[', '0', '0', ']', '[', '120', ']', '<EOF>']);
  });

  it('what belongs to no token stands alone, surrogate pairs together', () => {
    expect(kinds('!_# : 😀"')).toEqual(['bad', 'bad', 'bad', 'bad', 'bad', 'bad', 'end']);
    expect(texts('a😀b')).toEqual(['a', '😀', 'b', '<EOF>']);
  });

  it('tokens know where they stand', () => {
    const text = ' a\t= :v\n';
    for (const { start, end, text: slice, kind } of tokenize(text)) {
      if (kind !== 'end') expect(text.slice(start, end)).toBe(slice);
    }
  });
});
