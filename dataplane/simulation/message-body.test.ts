import fc from 'fast-check';
import { expect, it } from 'vitest';
import { carryBody, copyBody } from './message-body.ts';

const leaf = fc.oneof(
  fc.constantFrom(null, undefined, true, false, 0, -1, 1.5, 2 ** 40),
  fc.integer(),
  fc.double({ noNaN: true }).map((value) => (Object.is(value, -0) ? 0 : value)),
  fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  fc.string(),
  fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes)),
);
const body = fc.letrec((tie) => ({
  value: fc.oneof({ depthSize: 'small' }, leaf, tie('list'), tie('map')),
  list: fc.array(tie('value'), { maxLength: 4 }),
  map: fc.dictionary(
    fc.string().filter((key) => key !== '__proto__'),
    tie('value'),
    {
      maxKeys: 4,
      noNullPrototype: true,
    },
  ),
})).value;

it('what arrives is the same as by the real codec', () => {
  fc.assert(
    fc.property(body, (value) => {
      const encoded = carryBody(value, 'encoded')();
      expect(carryBody(value, 'copied')()).toEqual(encoded);
      expect(carryBody(value, 'checked')()).toEqual(encoded);
    }),
  );
});

it('a copy is the receiver’s own, down to the Buffers', () => {
  const sent = { list: [1, { deep: 'a' }], bytes: Buffer.from('b') };
  const received = copyBody(sent) as typeof sent;
  sent.list.push(2);
  expect(received).toEqual({ list: [1, { deep: 'a' }], bytes: Buffer.from('b') });
});

it('bytes that are changed on their way are found out', () => {
  const bytes = Buffer.from('abc');
  const take = carryBody({ bytes }, 'checked');
  bytes[1] = 0;
  expect(take).toThrow('bytes were changed after they had been sent');
});

it('what MessagePack cannot carry is refused', () => {
  for (const value of [new Map(), new Date(), () => {}, Symbol('s'), 2n ** 64n, new Error('e')]) {
    expect(() => copyBody({ value }), String(value)).toThrow(TypeError);
  }
});
