import { ClientFault } from '../../errors/client-fault.ts';
import type { AttributeValue } from '../../item/attribute-value.ts';
import { itemAccess } from '../../partiql/item-access.ts';
import { STATEMENT_CHARS_MAX } from '../../partiql/limits.ts';
import { planRead } from '../../partiql/read-plan.ts';
import {
  type SelectStatement,
  type Statement,
  type StatementTarget,
  targetNamed,
} from '../../partiql/statement.ts';
import type { TableSchema } from '../../partition/schema.ts';
import { planBatchExecuteStatement } from '../batch-execute-statement.ts';
import type { ReturnConsumedCapacity } from '../consumed-capacity.ts';
import { planExecuteStatement } from '../execute-statement.ts';
import { planExecuteTransaction } from '../execute-transaction.ts';
import type { JsonObject } from '../operation.ts';
import { attributesOf, hashValues, nothingUsed, partitionKeysOf, toldValues } from './item-use.ts';
import type { AccessRule, ItemAccess, ItemUse } from './needed-access.ts';
import { once } from './once.ts';
import { objectsIn, textMember } from './raw-members.ts';

/** PartiQL: each statement is an action of its own kind. */
const ACTIONS: Readonly<Record<Statement['kind'], string>> = {
  select: 'PartiQLSelect',
  insert: 'PartiQLInsert',
  update: 'PartiQLUpdate',
  delete: 'PartiQLDelete',
  exists: 'ConditionCheckItem',
};

export const executeStatementAccess: AccessRule = {
  read: (body) => {
    const target = targetIn(body);
    if (target === undefined) return undefined;
    const use = () => {
      const { request, statement } = planExecuteStatement(body);
      return useOf(statement, request, request.ReturnConsumedCapacity);
    };
    return [onTarget(target, undefined, use)];
  },
  check: planExecuteStatement,
};

/**
 * Each statement is refused on its own (reference/dynamodb.md: BatchStatementError has the code
 * AccessDenied). One that cannot be read is not run; the others are.
 */
export const batchExecuteStatementAccess: AccessRule = {
  read: (body) => {
    const plan = once(() => planBatchExecuteStatement(body));
    const members = objectsIn(body, 'Statements');
    if (members?.every((member) => statementIn(member) !== undefined) !== true) return undefined;
    return members.flatMap((member, index) => {
      const target = targetIn(member);
      if (target === undefined) return [];
      const use = () => {
        const { request, statements } = plan();
        const statement = statements[index];
        if (statement === undefined || statement instanceof ClientFault) return nothingUsed;
        const report = request.Statements[index] ?? {};
        return useOf(statement, report, request.ReturnConsumedCapacity);
      };
      return [{ ...onTarget(target, 'BatchExecuteStatement', use), part: index }];
    });
  },
  check: planBatchExecuteStatement,
};

export const executeTransactionAccess: AccessRule = {
  read: (body) => {
    const plan = once(() => planExecuteTransaction(body));
    const needed = objectsIn(body, 'TransactStatements')?.map((member, index) => {
      const target = targetIn(member);
      const use = () => {
        const { request, statements } = plan();
        const statement = statements[index];
        if (statement === undefined) throw new Error('every member has its statement');
        const report = request.TransactStatements[index] ?? {};
        return useOf(statement, report, request.ReturnConsumedCapacity);
      };
      return target && onTarget(target, 'ExecuteTransaction', use);
    });
    return needed?.every((each) => each !== undefined) ? needed : undefined;
  },
  check: planExecuteTransaction,
};

function statementIn(member: JsonObject): string | undefined {
  const text = textMember(member, 'Statement', STATEMENT_CHARS_MAX);
  return text.kind === 'given' ? text.value : undefined;
}

function targetIn(member: JsonObject): StatementTarget | undefined {
  const text = statementIn(member);
  return text === undefined ? undefined : targetNamed(text);
}

function onTarget(
  { kind, table, index }: StatementTarget,
  enclosingOperation: string | undefined,
  use: () => ItemUse,
): ItemAccess {
  const access = { kind: 'items', action: ACTIONS[kind], table, index, use } as const;
  return enclosingOperation === undefined ? access : { ...access, enclosingOperation };
}

interface StatementReport {
  readonly ReturnValuesOnConditionCheckFailure?: 'ALL_OLD' | 'NONE' | undefined;
}

function useOf(
  statement: Statement,
  { ReturnValuesOnConditionCheckFailure: onFailure }: StatementReport,
  returnConsumedCapacity: ReturnConsumedCapacity = 'NONE',
): ItemUse {
  const common = { returnConsumedCapacity };
  switch (statement.kind) {
    case 'select':
      return { ...selectUse(statement), ...common };
    case 'insert':
      return {
        ...common,
        partitionKeys: partitionKeysOf([statement.item]),
        attributes: () => attributesOf([statement.item], []),
        returnValues: toldValues(undefined, onFailure),
      };
    case 'update':
    case 'delete':
    case 'exists': {
      const { where } = statement;
      const update = statement.kind === 'update' ? statement.update : undefined;
      const returning = statement.kind === 'exists' ? undefined : statement.returning;
      return {
        ...common,
        partitionKeys: (schema) => hashValues(itemAccess(where, schema.key).key, schema.key),
        attributes: () => attributesOf([], [where, update]),
        returnValues: toldValues(returning, onFailure),
      };
    }
  }
}

function selectUse(statement: SelectStatement): Omit<ItemUse, 'returnConsumedCapacity'> {
  const { columns, where, orderBy, index } = statement;
  const projection = columns?.map(({ path }) => path);
  const whole = index === undefined ? 'ALL_ATTRIBUTES' : 'ALL_PROJECTED_ATTRIBUTES';
  const readsOf = (schema: TableSchema) =>
    planRead(statement, schema, { consistentRead: false }).reads;
  return {
    partitionKeys: (schema) => readsOf(schema).flatMap((read) => keysRead(read, schema)),
    attributes: () =>
      new Set(orderBy.map(({ attribute }) => attribute)).union(
        attributesOf([], [where, projection]),
      ),
    select: projection === undefined ? whole : 'SPECIFIC_ATTRIBUTES',
    isFullTableScan: (schema) => readsOf(schema).some(({ kind }) => kind === 'scan'),
  };
}

function keysRead(
  read: ReturnType<typeof planRead>['reads'][number],
  schema: TableSchema,
): readonly AttributeValue[] {
  switch (read.kind) {
    case 'get':
      return hashValues(read.key, schema.key);
    case 'query':
      return read.request.hashConditions.flatMap((condition) =>
        condition.operator === 'between' ? [] : [condition.value],
      );
    case 'scan':
      return [];
  }
}
