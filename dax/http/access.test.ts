import { describe, expect, it } from 'vitest';
import type { AccessRequest } from '../../dataplane/access/authorizer.ts';
import { rootOf } from '../../dataplane/access/principal.ts';
import type { JsonObject } from '../../dataplane/api/operation.ts';
import { doorAuthorize } from './access.ts';

const CLUSTER = 'arn:aws:dax:us-east-1:123456789012:cache/c1';
const place = { clusterArn: CLUSTER, region: 'us-east-1', accountId: '123456789012' };

/** What a call needs to be allowed: action, resource, and the transaction around it. */
function neededFor(operation: string, body: JsonObject = {}) {
  const asked: AccessRequest[] = [];
  const authorize = doorAuthorize({
    ...place,
    authorizer: { authorize: (_caller, request) => asked.push(request) },
  });
  authorize({
    caller: rootOf('123456789012'),
    operation,
    body,
    sourceIp: '127.0.0.1',
    isSecure: true,
  });
  return asked.map(({ action, resource, conditions }) => [
    action,
    resource,
    conditions.get('dax:enclosingoperation')?.join(),
  ]);
}

describe('access at the JSON door', () => {
  it.each([
    'GetItem',
    'BatchGetItem',
    'Query',
    'Scan',
    'PutItem',
    'UpdateItem',
    'DeleteItem',
    'BatchWriteItem',
  ])('%s needs its dax: action on the cluster, whatever the table', (operation) => {
    const needed = neededFor(operation, { TableName: 'Music' });
    expect(needed).toEqual([[`dax:${operation}`, CLUSTER, undefined]]);
  });

  it('TransactGetItems needs dax:GetItem, and says that it is a transaction', () => {
    expect(neededFor('TransactGetItems')).toEqual([['dax:GetItem', CLUSTER, 'TransactGetItems']]);
  });

  it('TransactWriteItems needs the action of each of its parts', () => {
    const TransactItems = [{ Put: {} }, { Put: {} }, { Delete: {} }, { ConditionCheck: {} }];
    expect(neededFor('TransactWriteItems', { TransactItems })).toEqual([
      ['dax:PutItem', CLUSTER, 'TransactWriteItems'],
      ['dax:DeleteItem', CLUSTER, 'TransactWriteItems'],
      ['dax:ConditionCheckItem', CLUSTER, 'TransactWriteItems'],
    ]);
    expect(neededFor('TransactWriteItems', { TransactItems: [{ Update: {}, Put: null }] })).toEqual(
      [
        ['dax:UpdateItem', CLUSTER, 'TransactWriteItems'],
        ['dax:PutItem', CLUSTER, 'TransactWriteItems'],
      ],
    );
    expect(neededFor('TransactWriteItems', { TransactItems: 'x' })).toEqual([]);
  });

  it('operations on tables need what the table needs: the cluster’s role is not lent for them', () => {
    const table = 'arn:aws:dynamodb:us-east-1:123456789012:table/Music';
    for (const operation of ['CreateTable', 'DeleteTable', 'UpdateTable', 'DescribeTable']) {
      expect(neededFor(operation, { TableName: 'Music' })).toEqual([
        [`dynamodb:${operation}`, table, undefined],
      ]);
    }
    expect(neededFor('DeleteTable', { TableName: table })).toEqual([
      ['dynamodb:DeleteTable', table, undefined],
    ]);
    expect(neededFor('TagResource', { ResourceArn: table })).toEqual([
      ['dynamodb:TagResource', table, undefined],
    ]);
    expect(neededFor('ListTables')).toEqual([['dynamodb:ListTables', '*', undefined]]);
    expect(neededFor('DescribeEndpoints')).toEqual([]);
  });

  it('policies can ask where a call comes from', () => {
    const seen: (readonly string[] | undefined)[] = [];
    const authorize = doorAuthorize({
      ...place,
      authorizer: {
        authorize: (_caller, { conditions }) => {
          seen.push(conditions.get('aws:sourceip'), conditions.get('aws:securetransport'));
        },
      },
    });
    const caller = rootOf('123456789012');
    const call = { caller, operation: 'GetItem', body: {} };
    authorize({ ...call, sourceIp: '10.0.0.1', isSecure: false });
    authorize({ ...call, sourceIp: undefined, isSecure: true });
    expect(seen).toEqual([['10.0.0.1'], ['false'], undefined, ['true']]);
  });
});
