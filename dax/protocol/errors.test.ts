import { describe, expect, it } from 'vitest';
import { faultNamespaces } from '../../dataplane/errors/client-fault.ts';
import { cborTrees } from './cbor-tree.fixture.ts';
import { authenticationReply, codesOf, errorReply } from './errors.ts';
import { hex, vectors } from './vectors.fixture.ts';

const rows = new Map(vectors.errors.rows.map((row) => [row.codes.join('.'), row]));

/** Faults that only PartiQL and streams have, which do not come this way. */
const elsewhere = [
  'DuplicateItemException',
  'ExpiredIteratorException',
  'TrimmedDataAccessException',
];

describe('error replies', () => {
  it.each(Object.keys(faultNamespaces).filter((type) => !elsewhere.includes(type)))(
    '%s: the code sequence shows the same name in the Node client',
    (type) => {
      const codes = codesOf({ type, message: undefined, status: 400 });
      const row = rows.get(codes.join('.'));
      // The client names some sequences itself, and for others shows the name in the info array.
      const shown = {
        InternalServerError: 'InternalServerErrorException',
        SerializationException: 'ValidationException',
        UnknownOperationException: 'ValidationException',
      };
      const expected = shown[type as keyof typeof shown] ?? type;
      expect([expected, 'InfoCodeException']).toContain(row?.node.code);
    },
  );

  it.each([...rows.values()].map((row) => [row.codes.join('.'), row] as const))(
    '%s: codes, a text and the info array, as clients accepted them',
    (_, { codes, response }) => {
      const reply = errorReply(
        { type: 'InfoCodeException', message: 'forced error', status: 400 },
        'req-3',
      );
      const [, ...rest] = cborTrees(hex(response));
      expect(cborTrees(reply).slice(1)).toEqual(rest);
      expect(cborTrees(hex(response))[0]).toMatchObject({ array: codes.map(BigInt) });
    },
  );

  it('no sequence has fewer than two codes, which Python and Node could not map', () => {
    for (const type of [...Object.keys(faultNamespaces), 'Unheard']) {
      for (const status of [400, 500]) {
        expect(codesOf({ type, message: '', status }).length).toBeGreaterThan(1);
      }
    }
  });

  it.each([
    ['a fault of its own', { type: 'InternalFailure', status: 500 }, [3, 37, 54]],
    ['a table that is away', { type: 'ServiceUnavailable', status: 503 }, [3, 37, 54]],
    [
      'a write of unknown outcome',
      { type: 'InternalServerError', status: 500, isUncertain: true },
      [1, 37, 38, 53],
    ],
    ['a fault of another kind', { type: 'Unheard', status: 400 }, [4, 23, 27]],
  ])('%s', (_, fault, codes) => {
    expect(codesOf({ message: undefined, ...fault })).toEqual(codes);
  });

  it('a fault without a text shows its name', () => {
    const reply = errorReply(
      { type: 'SerializationException', message: undefined, status: 400 },
      'r',
    );
    expect(cborTrees(reply)[1]).toBe('SerializationException');
  });

  it('connections without authorisation are told to sign again, wrong keys are not', () => {
    const again = authenticationReply(
      { type: 'MissingAuthenticationTokenException', message: 'm' },
      'r',
    );
    expect(again.toString('hex')).toBe(
      '84 04 17 181f 1821 616d 83 6172 7823 4d697373696e6741757468656e7469636174696f6e546f6b656e457863657074696f6e 190190'.replaceAll(
        ' ',
        '',
      ),
    );
    const refused = authenticationReply({ type: 'UnrecognizedClientException', message: 'm' }, 'r');
    expect(refused.subarray(0, 7)).toEqual(hex('840417181f1820'));
  });

  it('a cancelled transaction has three elements for each item, null for what is not there', () => {
    const reply = errorReply(
      {
        type: 'TransactionCanceledException',
        message: 'm',
        status: 400,
        cancellationReasons: [
          { code: 'None', message: undefined, values: undefined },
          { code: 'ConditionalCheckFailed', message: 'c', values: '\x02\x01' },
        ],
      },
      'r',
    );
    expect(cborTrees(reply)[2]).toMatchObject({
      array: [
        'r',
        'TransactionCanceledException',
        400n,
        { array: ['None', null, null, 'ConditionalCheckFailed', 'c', { bytes: '0201' }] },
      ],
    });
  });
});
