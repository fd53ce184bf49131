import { afterEach, describe, expect, it } from 'vitest';
import { accessFaults } from '../errors/access.ts';
import { callOperation, startServer, type TestServer } from './endpoint.fixture.ts';
import type { AuthenticCall } from './life-cycle.ts';

/** The stage between authentication and the operation. */
let server: TestServer | undefined;
afterEach(() => server?.close());

const denial = accessFaults.denied('arn:aws:iam::000000000000:user/ann', 'dynamodb:X', '*');
const DENIED = {
  __type: 'com.amazon.coral.service#AccessDeniedException',
  Message:
    'User: arn:aws:iam::000000000000:user/ann is not authorized to perform: dynamodb:X on resource: *',
};

describe('authorization', () => {
  it.each([
    [
      'at once',
      () => {
        throw denial;
      },
    ],
    [
      'later',
      async () => {
        throw denial;
      },
    ],
  ])('a denial %s is the answer, and the operation is not asked', async (_, authorize) => {
    let handled = 0;
    const operations = { Some: () => ({ handled: handled++ }) };
    server = await startServer({ operations, authorize });
    const { status, text } = await callOperation(server.port, 'Some', { Limit: 'wrong' });
    expect([status, JSON.parse(text)]).toEqual([400, DENIED]);
    expect(handled).toBe(0);
  });

  it('is told who calls for what, how, and by which way', async () => {
    const calls: AuthenticCall[] = [];
    const authorize = (call: AuthenticCall) => {
      calls.push(call);
      return undefined;
    };
    server = await startServer({ operations: { Some: () => ({}) }, authorize });
    const { status } = await callOperation(server.port, 'Some', { TableName: 'T' });
    expect(status).toBe(200);
    expect(calls).toEqual([
      {
        caller: { arn: 'arn:aws:iam::000000000000:root', isRoot: true },
        operation: 'Some',
        body: { TableName: 'T' },
        sourceIp: '127.0.0.1',
        isSecure: false,
      },
    ]);
  });

  it('a permission that comes later lets the operation run then', async () => {
    const authorize = () => Promise.resolve(undefined);
    server = await startServer({ operations: { Some: () => ({ done: true }) }, authorize });
    const { status, text } = await callOperation(server.port, 'Some', {});
    expect([status, JSON.parse(text)]).toEqual([200, { done: true }]);
  });

  it.each([
    ['at once', () => new Map([[1, denial]])],
    ['later', () => Promise.resolve(new Map([[1, denial]]))],
  ])('parts that are refused alone are told to the operation: %s', async (_, authorize) => {
    server = await startServer({
      operations: {
        Some: (_, { refusedParts }) => ({ refused: [...(refusedParts?.keys() ?? [])] }),
      },
      authorize,
    });
    const { status, text } = await callOperation(server.port, 'Some', {});
    expect([status, JSON.parse(text)]).toEqual([200, { refused: [1] }]);
  });

  it('comes after the signature, and only for what is a request', async () => {
    server = await startServer({
      operations: { Some: () => ({}) },
      authorize: () => {
        throw denial;
      },
    });
    const list = await callOperation(server.port, 'Some', []);
    expect(JSON.parse(list.text)).toEqual({
      __type: 'com.amazon.coral.service#SerializationException',
    });
    const unknown = await callOperation(server.port, 'Other', {});
    expect(JSON.parse(unknown.text)).toEqual({
      __type: 'com.amazon.coral.service#UnknownOperationException',
    });
  });
});
