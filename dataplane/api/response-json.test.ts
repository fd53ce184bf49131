import { describe, expect, it } from 'vitest';
import { ResponseJson } from './response-json.ts';

describe('ResponseJson', () => {
  it('joins texts and items, of more than one byte a character too', () => {
    const items = ['{"a":{"S":"ü"}}', '{"b":{"S":"🎵"}}'].map((text) => Buffer.from(text));
    const json = new ResponseJson()
      .text('{"Items":')
      .items(items)
      .member('Absent', undefined)
      .member('LastEvaluatedKey', { ö: { S: '"' } })
      .text('}')
      .toBuffer();
    expect(JSON.parse(json.toString())).toEqual({
      Items: [{ a: { S: 'ü' } }, { b: { S: '🎵' } }],
      LastEvaluatedKey: { ö: { S: '"' } },
    });
  });

  it('has no items where there are none', () => {
    expect(new ResponseJson().items([]).toBuffer().toString()).toBe('[]');
  });
});
