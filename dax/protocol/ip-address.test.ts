import { isIP } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addressBytes } from './ip-address.ts';

describe('addressBytes', () => {
  it.each([
    ['127.0.0.1', '7f000001'],
    ['255.0.10.9', 'ff000a09'],
    ['::', '00'.repeat(16)],
    ['::1', `${'00'.repeat(15)}01`],
    ['fd00:1:2:3:4:5:6:7', 'fd000001000200030004000500060007'],
    ['fd00::a', `fd00${'00'.repeat(12)}000a`],
    ['fd00::', `fd00${'00'.repeat(14)}`],
    ['::ffff:10.0.0.7', `${'00'.repeat(10)}ffff0a000007`],
    ['FE80::AbCd', `fe80${'00'.repeat(12)}abcd`],
  ])('%s', (address, bytes) => {
    expect(addressBytes(address).toString('hex')).toBe(bytes);
  });

  it('takes what the runtime takes for an address, and nothing else', () => {
    const parts = fc.constantFrom(
      '0',
      '1',
      '10',
      '255',
      '256',
      'ffff',
      'g',
      '',
      '1.2.3.4',
      '12345',
    );
    const texts = fc
      .tuple(fc.array(parts, { maxLength: 9 }), fc.constantFrom('.', ':', '::'))
      .map(([list, separator]) => list.join(separator));
    fc.assert(
      fc.property(fc.oneof(texts, fc.ipV4(), fc.ipV6()), (text) => {
        if (isIP(text) === 0) expect(() => addressBytes(text)).toThrow(TypeError);
        else expect(addressBytes(text).length).toBe(isIP(text) === 4 ? 4 : 16);
      }),
      { numRuns: 2000 },
    );
  });
});
