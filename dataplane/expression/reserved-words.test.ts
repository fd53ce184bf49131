import { describe, expect, it } from 'vitest';
import { isReservedWord, reservedWords } from './reserved-words.ts';

describe('reserved words', () => {
  it('are 573, in upper case', () => {
    expect(reservedWords.size).toBe(573);
    expect([...reservedWords].every((word) => /^[A-Z_]+$/.test(word))).toBe(true);
  });

  it('are reserved in any case', () => {
    expect(['status', 'STATUS', 'StAtUs', 'constructor'].every(isReservedWord)).toBe(true);
    expect(['pk', 'statuses', '__proto__', 'toString'].some(isReservedWord)).toBe(false);
  });
});
