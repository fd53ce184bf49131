import { indexArn, type Place, tableArn, tableNameOf, taggedTableName } from '../../catalog/arn.ts';
import type { JsonObject, Tables } from '../operation.ts';
import { batchGetItemAccess, batchWriteItemAccess } from './batch-access.ts';
import { deleteItemAccess, getItemAccess, putItemAccess, updateItemAccess } from './item-access.ts';
import { ItemConditions } from './item-conditions.ts';
import type { AccessRule, NeededAccess } from './needed-access.ts';
import { queryAccess, scanAccess } from './page-access.ts';
import {
  batchExecuteStatementAccess,
  executeStatementAccess,
  executeTransactionAccess,
} from './statement-access.ts';
import { describeStreamAccess, getRecordsAccess, getShardIteratorAccess } from './stream-access.ts';
import {
  createTableAccess,
  deleteTableAccess,
  describeTableAccess,
  describeTimeToLiveAccess,
  listTagsOfResourceAccess,
  ofAccount,
  tagResourceAccess,
  untagResourceAccess,
  updateTableAccess,
  updateTimeToLiveAccess,
} from './table-access.ts';
import { transactGetItemsAccess, transactWriteItemsAccess } from './transaction-access.ts';

/** What each operation's callers have to be allowed. */
const rules: ReadonlyMap<string, AccessRule> = new Map([
  ['BatchExecuteStatement', batchExecuteStatementAccess],
  ['BatchGetItem', batchGetItemAccess],
  ['BatchWriteItem', batchWriteItemAccess],
  ['CreateTable', createTableAccess],
  ['DeleteItem', deleteItemAccess],
  ['DeleteTable', deleteTableAccess],
  ['DescribeEndpoints', ofAccount('DescribeEndpoints')],
  ['DescribeLimits', ofAccount('DescribeLimits')],
  ['DescribeStream', describeStreamAccess],
  ['DescribeTable', describeTableAccess],
  ['DescribeTimeToLive', describeTimeToLiveAccess],
  ['ExecuteStatement', executeStatementAccess],
  ['ExecuteTransaction', executeTransactionAccess],
  ['GetItem', getItemAccess],
  ['GetRecords', getRecordsAccess],
  ['GetShardIterator', getShardIteratorAccess],
  ['ListStreams', ofAccount('ListStreams')],
  ['ListTables', ofAccount('ListTables')],
  ['ListTagsOfResource', listTagsOfResourceAccess],
  ['PutItem', putItemAccess],
  ['Query', queryAccess],
  ['Scan', scanAccess],
  ['TagResource', tagResourceAccess],
  ['TransactGetItems', transactGetItemsAccess],
  ['TransactWriteItems', transactWriteItemsAccess],
  ['UntagResource', untagResourceAccess],
  ['UpdateItem', updateItemAccess],
  ['UpdateTable', updateTableAccess],
  ['UpdateTimeToLive', updateTimeToLiveAccess],
]);

/** One thing that a caller wants to do to one resource: an AccessRequest of `access/`. */
export interface RequestedAccess {
  /** `dynamodb:GetItem`. */
  readonly action: string;
  /** An ARN; `*` where the action is about no resource. */
  readonly resource: string;
  readonly conditions: {
    /** @param key in lower case @throws ClientFault: the request is not well formed; there is no such table */
    get(key: string): readonly string[] | undefined;
  };
  /** Index of the part of the request that alone is refused without it; undefined: all of it is. */
  readonly part?: number;
}

/** Where tables are named and described. */
export interface AccessContext extends Place {
  readonly tables: Tables;
}

/** Operations whose needs are known; what others need is told by their name alone. */
export const ruledOperations: ReadonlySet<string> = new Set(rules.keys());

/**
 * What a request needs to be allowed, in its order. Looks at the request alone, unless a condition asks
 * for what only the table's description tells.
 * @throws ClientFault: too malformed to tell, in its operation's words; an ARN of another account
 */
export function accessRequests(
  operation: string,
  body: JsonObject,
  context: AccessContext,
): readonly RequestedAccess[] {
  const rule = rules.get(operation);
  const needed = rule === undefined ? undefined : (rule.read(body) ?? readChecked(rule, body));
  // Nobody but who may do it to everything is let through to what cannot be told.
  if (needed === undefined) return [requestOf({ kind: 'account', action: operation }, context)];
  return needed.map((each) => requestOf(each, context));
}

/** The check is there to refuse; a body that it lets through is looked at once more. */
function readChecked(rule: AccessRule, body: JsonObject): readonly NeededAccess[] | undefined {
  rule.check(body);
  return rule.read(body);
}

const noConditions: RequestedAccess['conditions'] = { get: () => undefined };

function requestOf(needed: NeededAccess, context: AccessContext): RequestedAccess {
  const action = `dynamodb:${needed.action}`;
  switch (needed.kind) {
    case 'items': {
      const table = tableArn(context, tableNameOf(needed.table, context));
      const resource = needed.index === undefined ? table : indexArn(table, needed.index);
      const request = { action, resource, conditions: new ItemConditions(needed, context.tables) };
      return needed.part === undefined ? request : { ...request, part: needed.part };
    }
    case 'table': {
      const resource = tableArn(context, tableNameOf(needed.table, context));
      return { action, resource, conditions: noConditions };
    }
    case 'tagged': {
      const resource = tableArn(context, taggedTableName(needed.arn, context));
      return { action, resource, conditions: noConditions };
    }
    case 'stream':
      return { action, resource: needed.arn, conditions: noConditions };
    case 'account':
      return { action, resource: '*', conditions: noConditions };
  }
}
