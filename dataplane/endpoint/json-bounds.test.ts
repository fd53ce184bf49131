import { describe, expect, it } from 'vitest';
import { isWithinJsonBounds } from './json-bounds.ts';

function isWithin(json: string): boolean {
  return isWithinJsonBounds(Buffer.from(json));
}

describe('bounds of JSON', () => {
  it('hold for the largest body of use', () => {
    const list = `{"L":[${'{"N":"1"},'.repeat(65_000)}{"N":"1"}]}`;
    const request = `{"PutRequest":{"Item":{"p":{"S":"a"},"l":${list}}}}`;
    expect(isWithin(`{"RequestItems":{"T":[${Array(25).fill(request).join(',')}]}}`)).toBe(true);
  });

  it.each(['{},', '[],', '{"M":{}},', '{"L":[]},'])('do not hold for 16 MB of %s', (text) => {
    expect(isWithin(`[${text.repeat(16_000_000 / text.length)}1]`)).toBe(false);
  });

  it('are exact', () => {
    expect(isWithin(`[${'{},'.repeat(1_999_998)}{}]`)).toBe(true);
    expect(isWithin(`[${'{},'.repeat(1_999_999)}{}]`)).toBe(false);
    expect(isWithin('['.repeat(500_000))).toBe(true);
    expect(isWithin('['.repeat(500_001))).toBe(false);
  });

  it('do not count what stands in strings', () => {
    const text = '[{'.repeat(1_000_000);
    expect(isWithin(`{"a":"${text}","b":"\\"${text}\\\\","c":"${text}"}`)).toBe(true);
    expect(isWithin(`{"a":"\\\\",${text}`)).toBe(false);
  });

  it('hold for what is no JSON', () => {
    for (const text of ['', '"', '"\\', ']]]', 'x']) expect(isWithin(text)).toBe(true);
  });
});
