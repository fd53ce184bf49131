import { describe, expect, it } from 'vitest';
import type { AccessRequest } from '../../dataplane/access/authorizer.ts';
import { principalOf } from '../../dataplane/access/principal.ts';
import type { DaxRequest, TransactWrite } from '../protocol/requests.ts';
import type { Caller } from './caller.ts';
import { CallerAccess } from './caller-access.ts';

const ann = principalOf('user/ann', '123456789012');
const caller: Caller = { principal: ann, isTls: true, sourceIp: '10.0.0.7', selectForm: 'plain' };
const clusterArn = 'arn:aws:dax:us-east-1:123456789012:cache/quick';
const none = Buffer.alloc(0);

/** What was asked of the authorizer: action, resource, enclosing operation. */
function asked(request: DaxRequest): unknown[] {
  const requests: unknown[] = [];
  const authorize = (principal: unknown, { action, resource, conditions }: AccessRequest) => {
    expect(principal).toBe(ann);
    expect(conditions.get('aws:securetransport')).toEqual(['true']);
    expect(conditions.get('aws:sourceip')).toEqual(['10.0.0.7']);
    expect(conditions.get('dynamodb:leadingkeys')).toBeUndefined();
    requests.push([action, resource, conditions.get('dax:enclosingoperation')?.[0]]);
  };
  new CallerAccess({ authorize }, clusterArn).check(caller, request);
  return requests;
}

const item = { table: 'T', key: none, options: {} };

describe('access of callers', () => {
  it.each<[DaxRequest, string]>([
    [{ method: 'getItem', ...item }, 'dax:GetItem'],
    [{ method: 'putItem', ...item, values: none }, 'dax:PutItem'],
    [{ method: 'updateItem', ...item }, 'dax:UpdateItem'],
    [{ method: 'deleteItem', ...item }, 'dax:DeleteItem'],
    [{ method: 'query', ...item, keyCondition: none }, 'dax:Query'],
    [{ method: 'scan', ...item }, 'dax:Scan'],
    [{ method: 'batchGetItem', tables: [], options: {} }, 'dax:BatchGetItem'],
    [{ method: 'batchWriteItem', tables: [], options: {} }, 'dax:BatchWriteItem'],
  ])('$0.method is an action on the cluster', (request, action) => {
    expect(asked(request)).toEqual([[action, clusterArn, undefined]]);
  });

  it('TransactGetItems reads, and says where', () => {
    expect(asked({ method: 'transactGetItems', gets: [], options: {} })).toEqual([
      ['dax:GetItem', clusterArn, 'TransactGetItems'],
    ]);
  });

  it('TransactWriteItems needs the action of each of its parts', () => {
    const part = (operation: TransactWrite['operation']): TransactWrite => ({
      operation,
      table: 'T',
      key: none,
      values: undefined,
      condition: undefined,
      update: undefined,
      returnValuesOnConditionCheckFailure: undefined,
    });
    const writes = [
      part('Put'),
      part('Delete'),
      part('Put'),
      part('ConditionCheck'),
      part('Update'),
    ];
    expect(asked({ method: 'transactWriteItems', writes, options: {} })).toEqual(
      ['dax:PutItem', 'dax:DeleteItem', 'dax:ConditionCheckItem', 'dax:UpdateItem'].map(
        (action) => [action, clusterArn, 'TransactWriteItems'],
      ),
    );
  });

  it.each<DaxRequest>([
    { method: 'endpoints' },
    { method: 'defineKeySchema', table: 'T' },
    { method: 'defineAttributeListId', names: [] },
    { method: 'defineAttributeList', id: 1 },
  ])('$method is for all known callers', (request) => {
    expect(asked(request)).toEqual([]);
  });
});
