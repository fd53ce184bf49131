import { describe, expect, it } from 'vitest';
import { parseParameters } from './parameters.ts';

function refused(complaint: string): never {
  throw new Error(complaint);
}

describe('parameters file', () => {
  it('has the names and defaults of the service', () => {
    expect(parseParameters('{}', refused)).toEqual({
      recordTtlMillis: 300_000,
      queryTtlMillis: 300_000,
    });
    expect(
      parseParameters('{"recordTtlMillis": 0, "queryTtlMillis": 31536000000}', refused),
    ).toEqual({ recordTtlMillis: 0, queryTtlMillis: 31_536_000_000 });
  });

  it.each([
    ['{', 'is not JSON'],
    ['[]', 'is not a JSON object'],
    [
      '{"recordTtl": 1}',
      'has an unknown member recordTtl; there is: recordTtlMillis, queryTtlMillis',
    ],
    ['{"queryTtlMillis": -1}', 'needs a number from 0 to 31536000000 at queryTtlMillis, not -1'],
    [
      '{"recordTtlMillis": "1"}',
      'needs a number from 0 to 31536000000 at recordTtlMillis, not "1"',
    ],
  ])('%s is refused', (text, complaint) => {
    expect(() => parseParameters(text, refused)).toThrow(complaint);
  });
});
