import type { Authorizer } from '../../dataplane/access/authorizer.ts';
import type { JsonObject } from '../../dataplane/api/operation.ts';
import type { AuthenticCall, Authorize } from '../../dataplane/endpoint/life-cycle.ts';
import { isRecord } from './members.ts';

/** Whom and what callers are checked against. */
export interface DoorAccess {
  readonly authorizer: Authorizer;
  /** What `dax:` actions are about. */
  readonly clusterArn: string;
  readonly region: string;
  readonly accountId: string;
}

/** Actions of single operations; those of transactions depend on their parts. */
const DAX_ACTIONS: ReadonlySet<string> = new Set([
  'BatchGetItem',
  'BatchWriteItem',
  'DeleteItem',
  'GetItem',
  'PutItem',
  'Query',
  'Scan',
  'UpdateItem',
]);

const PART_ACTIONS: ReadonlyMap<string, string> = new Map([
  ['Put', 'dax:PutItem'],
  ['Update', 'dax:UpdateItem'],
  ['Delete', 'dax:DeleteItem'],
  ['ConditionCheck', 'dax:ConditionCheckItem'],
]);

/**
 * What callers may do at the JSON door. Items: `dax:` actions on the cluster, which then acts for them in
 * its own role. Tables: `dynamodb:` actions on the table, since the cluster's role is not lent for these.
 * @see AWS, "DAX access control": actions, `dax:EnclosingOperation`
 */
export function doorAuthorize(access: DoorAccess): Authorize {
  return (call) => {
    for (const { action, resource, enclosing } of permissionsFor(call, access)) {
      access.authorizer.authorize(call.caller, {
        action,
        resource,
        conditions: conditionsOf(call, enclosing),
      });
    }
  };
}

/** One thing that a caller needs to be allowed. */
interface Permission {
  readonly action: string;
  readonly resource: string;
  /** The transaction that it is a part of. */
  readonly enclosing?: string;
}

function permissionsFor(
  { operation, body }: AuthenticCall,
  access: DoorAccess,
): readonly Permission[] {
  const { clusterArn: resource } = access;
  if (DAX_ACTIONS.has(operation)) return [{ action: `dax:${operation}`, resource }];
  switch (operation) {
    case 'DescribeEndpoints':
      return [];
    case 'TransactGetItems':
      return [{ action: 'dax:GetItem', resource, enclosing: operation }];
    case 'TransactWriteItems':
      return partActions(body).map((action) => ({ action, resource, enclosing: operation }));
    default:
      return [{ action: `dynamodb:${operation}`, resource: resourceOf(operation, body, access) }];
  }
}

/** Each action once. A part of no known kind is refused by the tables, whatever the caller may do. */
function partActions({ TransactItems }: JsonObject): readonly string[] {
  const parts: readonly unknown[] = Array.isArray(TransactItems) ? TransactItems : [];
  const kinds = parts.flatMap((part) => (isRecord(part) ? Object.keys(part) : []));
  return [...new Set(kinds.flatMap((kind) => PART_ACTIONS.get(kind) ?? []))];
}

/** The table that an operation of the control plane is about; `*` where it is about none. */
function resourceOf(
  operation: string,
  { TableName, ResourceArn }: JsonObject,
  { region, accountId }: DoorAccess,
): string {
  if (operation === 'ListTables' || operation === 'DescribeLimits') return '*';
  const name = TableName ?? ResourceArn;
  if (typeof name === 'string' && name.startsWith('arn:')) return name;
  return `arn:aws:dynamodb:${region}:${accountId}:table/${typeof name === 'string' ? name : ''}`;
}

function conditionsOf(
  { sourceIp, isSecure }: AuthenticCall,
  enclosing: string | undefined,
): ReadonlyMap<string, readonly string[]> {
  const values = new Map([['aws:securetransport', [String(isSecure)]]]);
  if (sourceIp !== undefined) values.set('aws:sourceip', [sourceIp]);
  if (enclosing !== undefined) values.set('dax:enclosingoperation', [enclosing]);
  return values;
}
