import { describe, expect, it } from 'vitest';
import { basicFormat, parseSignatureDate } from './signature-date.ts';

describe('dates of signatures', () => {
  it('reads the basic format', () => {
    expect(parseSignatureDate('20150830T123600Z')).toEqual({
      timeMs: Date.UTC(2015, 7, 30, 12, 36),
      text: '20150830T123600Z',
    });
  });

  it('reads an HTTP date and gives its basic format', () => {
    expect(parseSignatureDate('Sun, 30 Aug 2015 12:36:00 GMT')).toEqual({
      timeMs: Date.UTC(2015, 7, 30, 12, 36),
      text: '20150830T123600Z',
    });
  });

  it('reads the last moment of a leap day', () => {
    expect(parseSignatureDate('20240229T235959Z')?.timeMs).toBe(Date.UTC(2024, 1, 29, 23, 59, 59));
  });

  it.each([
    '',
    '201',
    '2015-08-30T12:36:00Z',
    '20150830T123600',
    '20150830T123600+0100',
    '20150230T000000Z',
    '20151301T000000Z',
    '20150100T000000Z',
    '20150830T240000Z',
    '20150830T126000Z',
    ' 20150830T123600Z',
    'Sun, 30 Foo 2015 12:36:00 GMT',
    'yesterday',
  ])('refuses %j', (text) => {
    expect(parseSignatureDate(text)).toBeUndefined();
  });

  it('writes the basic format without the milliseconds', () => {
    expect(basicFormat(Date.UTC(2026, 10, 21, 6, 0, 0, 999))).toBe('20261121T060000Z');
  });
});
