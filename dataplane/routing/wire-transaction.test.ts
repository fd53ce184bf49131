import { describe, expect, it } from 'vitest';
import { ClientFault } from '../errors/client-fault.ts';
import { type Item, setAttribute } from '../item/attribute-value.ts';
import { capacityOf } from '../partition/capacity.ts';
import {
  abortOf,
  absent,
  addTo,
  attemptOf,
  checkOf,
  claimOf,
  commitAt,
  decideAbort,
  decideCommit,
  deleteOf,
  executeOf,
  itemOf,
  keyOf,
  ledger,
  participant,
  prepareOf,
  putOf,
  resolveOf,
} from '../partition/transaction.fixture.ts';
import type { AnsweredCall, TransactionCall } from '../partition/transaction.ts';
import { HEADER_BYTES } from '../replication/transport/frame.ts';
import { decodeBody, encodeBody } from '../replication/transport/message-pack.ts';
import {
  decodeTransactionAnswer,
  decodeTransactionCall,
  encodeTransactionAnswer,
  encodeTransactionCall,
  transactionCallBytes,
  type WireTransactionCall,
} from './wire-transaction.ts';

/** As the transport does. */
function sent<T>(value: T): T {
  const frame = encodeBody(value);
  return decodeBody(frame, HEADER_BYTES, frame.length) as T;
}

const odd: Item = { p: { S: '\u{1f600}' }, s: { N: '1' } };
setAttribute(odd, '__proto__', { S: 'x' });

const calls: TransactionCall[] = [
  prepareOf('t', [putOf(itemOf(1, 1)), addTo(2, absent), deleteOf(3), checkOf(4, absent)]),
  prepareOf('t', [], { number: 3, exhaustedIndexes: ['G2'] }),
  executeOf('t', [addTo(1)]),
  claimOf('t'),
  decideCommit('t', 1.8e15),
  decideAbort('t'),
  commitAt(1.8e15, 't'),
  abortOf('t'),
  resolveOf('t', { isAbandoned: true }),
  { kind: 'read', keys: [keyOf(1), odd] },
  { kind: 'stalled', isAll: true },
];

const capacity = capacityOf({
  table: 3,
  localIndexes: new Map([['L1', 2]]),
  globalIndexes: new Map([['G2', 4]]),
});
const mark = { attempt: attemptOf('t'), ledger };
const json = Buffer.from(JSON.stringify(itemOf(1, 1)));
const fault = new ClientFault('ThrottlingException', 'no', {
  throttlingReasons: [{ reason: 'x' }],
});
const outcomes = [
  { kind: 'accepted', capacity, collectionBytes: 7 },
  { kind: 'accepted', capacity, collectionBytes: undefined },
  { kind: 'conditionFailed', capacity, before: json },
  { kind: 'conditionFailed', capacity, before: undefined },
  { kind: 'conflict', stalled: mark },
  { kind: 'conflict', stalled: undefined },
  { kind: 'fault', fault },
] as const;
const committed = { kind: 'committed', timestamp: 1.8e15, participants: [participant] } as const;

const answers: AnsweredCall[] = [
  { kind: 'prepare', answer: { outcomes, timestampMin: 0 } },
  { kind: 'execute', answer: { kind: 'refused', outcomes } },
  { kind: 'execute', answer: { kind: 'done', outcomes: outcomes.slice(0, 2) } },
  { kind: 'execute', answer: { kind: 'tooLarge' } },
  { kind: 'claim', answer: { ...committed, attempt: 2 } },
  { kind: 'claim', answer: { kind: 'claimed', attempt: 1 } },
  { kind: 'decide', answer: committed },
  { kind: 'resolve', answer: { kind: 'inProgress' } },
  { kind: 'finish', answer: { finishedCount: 3 } },
  {
    kind: 'read',
    answer: {
      items: [
        { kind: 'item', json, bytes: 8, state: 'version 1' },
        { kind: 'item', json: undefined, bytes: 0, state: 'absent 0' },
        { kind: 'conflict', stalled: mark },
        { kind: 'conflict', stalled: undefined },
      ],
    },
  },
  {
    kind: 'stalled',
    answer: { marks: [mark], unfinished: [{ ...committed, attempt: attemptOf('t') }] },
  },
];

/** Commands as plain data: items of puts are read by getters, after a trip. */
function plain(call: TransactionCall): unknown {
  if (call.kind !== 'prepare' && call.kind !== 'execute') return call;
  const commands = call.commands.map((command) => {
    if (command.kind !== 'put') return command;
    const { kind, key, condition, item, itemBytes } = command;
    return { kind, key, condition, item, itemBytes };
  });
  return { ...call, commands };
}

describe('a call of a transaction on the wire', () => {
  it.each(calls.map((call) => [call.kind, call] as const))(
    'comes as it was sent: %s',
    (_, call) => {
      const decoded = decodeTransactionCall(sent(encodeTransactionCall(call)));
      expect(plain(decoded)).toEqual(plain(call));
      expect(JSON.stringify(plain(decoded), texts)).toBe(JSON.stringify(plain(call), texts));
    },
  );

  it('is as large as its commands, or keys', () => {
    const bytes = calls.map((call) => transactionCallBytes(encodeTransactionCall(call)));
    expect(bytes[0]).toBeGreaterThan(4 * 40);
    expect(bytes[9]).toBeGreaterThan(60);
    expect([bytes[1], bytes[3], bytes[10]]).toEqual([0, 0, 0]);
  });

  it('is refused when a command of it is none', () => {
    const call = { ...encodeTransactionCall(executeOf('t', [])), commands: [Buffer.of(9, 9)] };
    expect(() => decodeTransactionCall(call as WireTransactionCall)).toThrow(RangeError);
  });
});

describe('an answer of a transaction on the wire', () => {
  it.each(answers.map((each) => [each.kind, each] as const))(
    'comes as it was given: %s',
    (kind, answered) => {
      const decoded = decodeTransactionAnswer(kind, sent(encodeTransactionAnswer(answered)));
      expect(decoded).toEqual(answered.answer);
    },
  );
});

function texts(_: string, value: unknown): unknown {
  return typeof value === 'bigint' ? `${value}` : value;
}
