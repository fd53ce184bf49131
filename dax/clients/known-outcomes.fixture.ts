import type { Outcome } from './client-process.ts';
import type { ClientName } from './official-clients.fixture.ts';

/** What a client is known to make of a case, where that is not what the tables answer. */
export type KnownOutcome =
  | { readonly kind: 'outcome'; readonly outcome: Outcome }
  /** As the tables' own, with another text in its JSON. */
  | { readonly kind: 'altered'; readonly texts: readonly (readonly [from: string, to: string])[] }
  /** It sends a part of a request and waits for the answer. */
  | { readonly kind: 'hangs' };

/** It refuses the request itself, in its own words. */
function refuses(message: string, code = 'ValidationException'): KnownOutcome {
  return { kind: 'outcome', outcome: { error: { code, message } } };
}

function shows(result: unknown): KnownOutcome {
  return { kind: 'outcome', outcome: { result } };
}

/** Elements of a list inside a list keep their places there. */
const withGap = shows({
  Item: {
    pk: { S: 'document' },
    l: { L: [{ M: { in: { S: 'side' } } }, { L: [{ S: 'a' }, null, { S: 'c' }] }] },
    m: { M: { k: { M: { y: { S: 'why' } } } } },
  },
});

const limit =
  "Value 0 at 'limit' failed to satisfy constraint: Member must have value greater than or equal to 1";
const noKey = refuses('One of the required keys was not given a value.');

const DUPLICATES = 'Provided list of item keys contains duplicates';

const badSelect = refuses(
  'Cannot specify the ProjectionExpression when selecet is not SPECIFIC_ATTRIBUTES',
);

function twice(key: string): KnownOutcome {
  return refuses(`${DUPLICATES}:${key}`);
}

const go: Readonly<Record<string, KnownOutcome>> = {
  // Sort keys of many digits are read without the sign of their exponent, or with a wrong one.
  'query-sortkeys': {
    kind: 'altered',
    texts: [
      [`"N":"0.${'0'.repeat(69)}1"`, '"N":"1E4294967226"'],
      [`"N":"1${'0'.repeat(70)}"`, '"N":"1E-4294967226"'],
    ],
  },
  'batch get: a key twice': refuses(DUPLICATES, 'InvalidParameter'),
  'transaction: a table that is not there': { kind: 'hangs' },
};

const java: Readonly<Record<string, KnownOutcome>> = {
  'query: Limit 0': refuses('Limit must be a positive integer'),
  'query: whole items and a projection': badSelect,
  'query: count with a projection': badSelect,
  'query: projected attributes without an index': refuses(
    'ALL_PROJECTED_ATTRIBUTES is allowed only when querying an index. Index cannot be empty.',
  ),
  'batch get: 101 keys': refuses('Batch size should be less than 100'),
};

const known: Readonly<Record<ClientName, Readonly<Record<string, KnownOutcome>>>> = {
  v3: {
    'get: parts of a document': withGap,
    'query: Limit 0': refuses(limit),
  },
  v1: {
    'get: parts of a document': withGap,
  },
  python: {
    'put: an empty key': noKey,
    'get: an empty key': noKey,
    'delete: an empty key': noKey,
    'batch get: an empty key': noKey,
    'batch write: an empty key': noKey,
    'transaction: an empty key': noKey,
    'query: Limit 0': refuses('Invalid value for parameter Limit, value: 0, valid min value: 1'),
    'batch get: a key twice': twice('{"pk": {"S": "many 1"}}'),
    'batch get: a key twice, as another text': twice('{"pk": {"N": "15E-1"}}'),
    'batch write: a key twice': twice('{"pk": {"S": "a"}}'),
    // After the server's refusal it tries again with what it has made of the parameters itself.
    'batch write: 39 digits': refuses(
      'Unknown parameter in RequestItems.HashS[0].PutRequest: "attr_names", must be one of: Item\n' +
        'Unknown parameter in RequestItems.HashS[0].PutRequest: "attr_list_id", must be one of: Item',
    ),
  },
  go1: {
    ...go,
    'query: Limit 0': refuses('1 validation error(s) found.', 'InvalidParameter'),
    'batch write: a key twice': refuses(DUPLICATES, 'InvalidParameter'),
  },
  go2: { ...go, 'batch write: a key twice': refuses(DUPLICATES, 'Unknown') },
  java1: java,
  java2: java,
};

/** Undefined: what the tables answer. */
export function knownOutcome(client: ClientName, name: string): KnownOutcome | undefined {
  return known[client][name];
}
