import { describe, expect, it } from 'vitest';
import type { AccessRequest, Authorizer } from './access/authorizer.ts';
import { CallerValues } from './access/caller-values.ts';
import { parsePolicy } from './access/policy-parser.ts';
import { type Principal, principalOf, rootOf } from './access/principal.ts';
import { StatementSet } from './access/statement-set.ts';
import type { ItemContext, Tables } from './api/operation.ts';
import { refreshingOperation } from './api/refreshing-operation.ts';
import type { AuthenticCall } from './endpoint/life-cycle.ts';
import { accessFaults } from './errors/access.ts';
import { ClientFault } from './errors/client-fault.ts';
import { schemaOf } from './partition/schema.fixture.ts';
import { refreshingAuthorizer, requestAuthorizer } from './request-authorizer.ts';
import { UnknownTableFault } from './routing/remote-table.ts';
import type { Table } from './routing/table.ts';

const place = { region: 'us-east-1', accountId: '000000000000' };
const ann = principalOf('user/ann', place.accountId);
const get = { TableName: 'Tab', Key: { p: { S: 'ann' }, s: { N: '1' } } };
const call: AuthenticCall = {
  caller: ann,
  operation: 'GetItem',
  body: get,
  sourceIp: '127.0.0.1',
  isSecure: false,
};

/** One statement for everybody. */
function authorizerOf(statement: object): Authorizer {
  const Statement = { Effect: 'Allow', Action: '*', Resource: '*', ...statement };
  const statements = new StatementSet([parsePolicy({ Version: '2012-10-17', Statement })]);
  return {
    authorize: (caller: Principal, { action, resource, conditions }: AccessRequest) => {
      const values = new CallerValues(caller, conditions, () => 0);
      if (statements.isAllowed({ action, resource, values, lookup: values.one })) return;
      throw accessFaults.denied(caller.arn, action, resource);
    },
  };
}

const byKey = authorizerOf({
  Condition: { 'ForAllValues:StringEquals': { 'dynamodb:LeadingKeys': 'ann' } },
});
const nothing = authorizerOf({ Effect: 'Deny' });

async function outcome(act: () => unknown): Promise<string> {
  try {
    await act();
    return 'allowed';
  } catch (thrown) {
    if (thrown instanceof ClientFault) return thrown.type;
    throw thrown;
  }
}

describe('how a call came', () => {
  const noTables: Tables = {
    openTable: () => {
      throw new Error('no table is looked at');
    },
  };
  it.each([
    [{ IpAddress: { 'aws:SourceIp': '10.0.0.0/8' } }, { sourceIp: '10.1.2.3' }, 'allowed'],
    [{ IpAddress: { 'aws:SourceIp': '10.0.0.0/8' } }, { sourceIp: '::ffff:10.1.2.3' }, 'allowed'],
    [{ IpAddress: { 'aws:SourceIp': '::1' } }, { sourceIp: '::1' }, 'allowed'],
    [
      { IpAddress: { 'aws:SourceIp': '10.0.0.0/8' } },
      { sourceIp: '11.1.2.3' },
      'AccessDeniedException',
    ],
    [
      { IpAddress: { 'aws:SourceIp': '0.0.0.0/0' } },
      { sourceIp: undefined },
      'AccessDeniedException',
    ],
    [{ Bool: { 'aws:SecureTransport': true } }, { isSecure: true }, 'allowed'],
    [{ Bool: { 'aws:SecureTransport': true } }, { isSecure: false }, 'AccessDeniedException'],
    [{ StringEquals: { 'aws:RequestedRegion': 'us-east-1' } }, {}, 'allowed'],
    [{ StringEquals: { 'aws:RequestedRegion': 'eu-west-1' } }, {}, 'AccessDeniedException'],
  ])('%j, given %j: %s', async (Condition, more, expected) => {
    const authorize = requestAuthorizer(authorizerOf({ Condition }), {
      ...place,
      tables: noTables,
    });
    expect(await outcome(() => authorize({ ...call, ...more }))).toBe(expected);
  });

  it('of the account itself nothing is looked at', async () => {
    const authorize = requestAuthorizer(nothing, { ...place, tables: noTables });
    const body = { TableName: 7 };
    const caller = rootOf(place.accountId);
    expect(await outcome(() => authorize({ ...call, caller, body }))).toBe('allowed');
  });
});

describe('a router whose map is behind', () => {
  /** Tables that are known once the map was learned anew, if they are there. */
  function router(there: readonly string[]) {
    const known = new Set<string>();
    const asked: string[] = [];
    const openTable = (name: string): Table => {
      if (!known.has(name)) throw new UnknownTableFault(name);
      // Nothing but the schema is looked at.
      return { schema: schemaOf({ tableName: name }) } as Table;
    };
    const knowledge = {
      refresh: async () => {
        asked.push('refresh');
        for (const name of there) known.add(name);
      },
      hasTable: async (name: string) => {
        asked.push(`has ${name}`);
        return there.includes(name);
      },
    };
    // Neither transactions nor the clock are asked.
    const context = { ...place, tables: { openTable } } as unknown as ItemContext;
    return { context, knowledge, asked, known };
  }

  const ofBob = { ...get, Key: { ...get.Key, p: { S: 'bob' } } };

  it('a table that a policy depends on is found first', async () => {
    const { context, knowledge, asked } = router(['Tab']);
    const authorize = refreshingAuthorizer(byKey, context, knowledge);
    expect(await outcome(() => authorize(call))).toBe('allowed');
    expect(asked).toEqual(['refresh']);
    expect(authorize(call)).toBeUndefined();
    expect(await outcome(() => authorize({ ...call, body: ofBob }))).toBe('AccessDeniedException');
  });

  it('an unknown table is no way around its keys', async () => {
    const { context, knowledge } = router(['Tab']);
    const authorize = refreshingAuthorizer(byKey, context, knowledge);
    expect(await outcome(() => authorize({ ...call, body: ofBob }))).toBe('AccessDeniedException');
  });

  it('who may use it with some key learns that it is not there, and nobody else', async () => {
    const { context, knowledge, asked } = router([]);
    const allowed = refreshingAuthorizer(byKey, context, knowledge);
    expect(await outcome(() => allowed(call))).toBe('ResourceNotFoundException');
    expect(asked).toEqual(['refresh', 'has Tab']);
    const refused = refreshingAuthorizer(nothing, context, knowledge);
    expect(await outcome(() => refused(call))).toBe('AccessDeniedException');
    expect(asked).toEqual(['refresh', 'has Tab']);
  });

  it('of a batch of statements each has its own refusal', async () => {
    const { context, knowledge, asked } = router(['Tab']);
    const Statements = [
      "SELECT * FROM Tab WHERE p = 'bob' AND s = 1",
      "SELECT * FROM Tab WHERE p = 'ann' AND s = 1",
      "SELECT * FROM Absent WHERE p = 'ann'",
    ].map((Statement) => ({ Statement }));
    const authorize = refreshingAuthorizer(byKey, context, knowledge);
    const batch = { ...call, operation: 'BatchExecuteStatement', body: { Statements } };
    const refused = await authorize(batch);
    expect(Array.from(refused ?? [], ([part, { type }]) => [part, type])).toEqual([
      [0, 'AccessDeniedException'],
      [2, 'ResourceNotFoundException'],
    ]);
    expect(asked).toEqual(['refresh', 'has Absent']);
  });

  it('what is tried once more is authorised once more, on the tables of then', async () => {
    const { context, knowledge, known } = router(['Tab']);
    known.add('Tab');
    const authorize = refreshingAuthorizer(byKey, context, knowledge);
    expect(await outcome(() => authorize(call))).toBe('allowed');
    let handled = 0;
    const operation = refreshingOperation(
      {
        name: 'GetItem',
        handle: () => {
          handled++;
          throw new UnknownTableFault('Tab');
        },
      },
      knowledge,
    );
    // Meanwhile the policy has become another one.
    const authorizeAgain = () => refreshingAuthorizer(nothing, context, knowledge)(call);
    const again = () => operation.handle(get, { ...context, authorizeAgain });
    expect(await outcome(again)).toBe('AccessDeniedException');
    expect(handled).toBe(1);
  });
});
