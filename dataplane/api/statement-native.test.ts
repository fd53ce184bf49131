import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ClientFault } from '../errors/client-fault.ts';
import { conditions, items } from '../expression/expression.arbitrary.ts';
import { type PrintedExpression, printCondition, printUpdate } from '../expression/print.ts';
import type { AttributeValue } from '../item/attribute-value.ts';
import { statementUpdates } from '../partiql/statement.arbitrary.ts';
import { StatementText } from '../partiql/statement-text.fixture.ts';
import { withinTime } from '../time-limit.fixture.ts';
import { type Server, startServer, users } from './server.fixture.ts';

/**
 * A statement does what the native operation does, on random items. fast-check prints the seed and the
 * smallest case of a failure.
 */
let server: Server;
beforeAll(async () => {
  server = await startServer();
  await server.createTable(users);
});
afterAll(() => server.close());

const runs = { numRuns: 2_000 };
/** At the least so many that some find, or change, something. */
const TIME_LIMIT = { limitMs: 1_500, runsMin: 1_000 };
const ids = ['u', 'v', 'w'];

/** What an operation answers, or its fault. */
async function outcomeOf(name: string, body: object): Promise<unknown> {
  try {
    return await server.call(name, body);
  } catch (thrown) {
    if (!(thrown instanceof ClientFault)) throw thrown;
    return { type: thrown.type, message: thrown.message };
  }
}

async function putAll(contents: readonly Readonly<Record<string, AttributeValue>>[]) {
  for (const [index, content] of contents.entries()) {
    const Item = { ...content, Id: { S: ids[index] } };
    await server.call('PutItem', { TableName: 'Users', Item });
  }
}

function substitutions({ names, values }: PrintedExpression): object {
  return {
    ...(Object.keys(names).length > 0 && { ExpressionAttributeNames: names }),
    ...(Object.keys(values).length > 0 && { ExpressionAttributeValues: values }),
  };
}

function executed(Statement: string, { parameters }: StatementText): object {
  return parameters.length === 0 ? { Statement } : { Statement, Parameters: parameters };
}

const contents = fc.tuple(items, items, items);

describe('a statement', () => {
  it('SELECT with a condition finds what Scan with the filter finds', async () => {
    let found = 0;
    await fc.assert(
      fc.asyncProperty(
        contents,
        conditions,
        fc.boolean(),
        withinTime(TIME_LIMIT, async (given, condition, usesLiterals) => {
          await putAll(given);
          const text = new StatementText({ usesLiterals });
          const statement = `SELECT * FROM Users WHERE ${text.condition(condition)}`;
          const printed = printCondition(condition);
          const native = await outcomeOf('Scan', {
            TableName: 'Users',
            FilterExpression: printed.text,
            ...substitutions(printed),
          });
          const { Items } = native as { Items: readonly unknown[] }; // conditions always succeed
          found += Items.length;
          expect(await outcomeOf('ExecuteStatement', executed(statement, text))).toEqual({ Items });
        }),
      ),
      runs,
    );
    expect(found).toBeGreaterThan(0);
  });

  it('SELECT of a key with a condition finds what Query with the filter finds', async () => {
    await fc.assert(
      fc.asyncProperty(
        contents,
        conditions,
        withinTime(TIME_LIMIT, async (given, condition) => {
          await putAll(given);
          const text = new StatementText({ usesLiterals: true });
          const where = `Id = 'v' AND (${text.condition(condition)})`;
          const printed = printCondition(condition);
          const native = await server.call('Query', {
            TableName: 'Users',
            KeyConditionExpression: 'Id = :id',
            FilterExpression: printed.text,
            ...substitutions({ ...printed, values: { ...printed.values, ':id': { S: 'v' } } }),
            ReturnConsumedCapacity: 'TOTAL',
          });
          expect(
            await server.call('ExecuteStatement', {
              ...executed(`SELECT * FROM Users WHERE ${where}`, text),
              ReturnConsumedCapacity: 'TOTAL',
            }),
          ).toEqual({ Items: native.Items, ConsumedCapacity: native.ConsumedCapacity });
        }),
      ),
      runs,
    );
  });

  it.each([
    ['ALL OLD', 'ALL_OLD'],
    ['ALL NEW', 'ALL_NEW'],
    ['MODIFIED OLD', 'UPDATED_OLD'],
    ['MODIFIED NEW', 'UPDATED_NEW'],
  ])(
    'UPDATE RETURNING %s changes what UpdateItem with %s changes',
    async (clause, ReturnValues) => {
      let changed = 0;
      await fc.assert(
        fc.asyncProperty(
          items,
          statementUpdates,
          fc.option(conditions, { nil: undefined }),
          fc.boolean(),
          withinTime(TIME_LIMIT, async (given, update, condition, usesLiterals) => {
            const text = new StatementText({ usesLiterals });
            const actions = text.update(update);
            const rest = condition === undefined ? '' : ` AND (${text.condition(condition)})`;
            const printed = printUpdate(update);
            const printedCondition = condition && printCondition(condition);

            await putAll([given]);
            const native = await outcomeOf('UpdateItem', {
              TableName: 'Users',
              Key: { Id: { S: 'u' } },
              UpdateExpression: printed.text,
              ...merged(printed, printedCondition),
              ReturnValues,
              ReturnConsumedCapacity: 'TOTAL',
            });
            const after = await itemNow();

            await putAll([given]);
            const outcome = await outcomeOf('ExecuteStatement', {
              ...executed(
                `UPDATE Users ${actions} WHERE Id = 'u'${rest} RETURNING ${clause} *`,
                text,
              ),
              ReturnConsumedCapacity: 'TOTAL',
            });
            expect(outcome).toEqual(asStatement(native));
            expect(await itemNow()).toEqual(after);
            if ('Items' in (outcome as object)) changed++; // an object either way
          }),
        ),
        runs,
      );
      expect(changed).toBeGreaterThan(0);
    },
  );
});

async function itemNow(): Promise<unknown> {
  return server.call('GetItem', { TableName: 'Users', Key: { Id: { S: 'u' } } });
}

/** Both expressions' names and values; the condition's are renamed, as each counts from 0. */
function merged(update: PrintedExpression, condition: PrintedExpression | undefined): object {
  if (condition === undefined) return substitutions(update);
  const renamed = (text: string) => text.replaceAll(/([#:])(?=\w)/g, '$1c');
  const renamedKeys = <T>(members: Readonly<Record<string, T>>) =>
    Object.fromEntries(Object.entries(members).map(([name, each]) => [renamed(name), each]));
  return {
    ConditionExpression: renamed(condition.text),
    ...substitutions({
      text: '',
      names: { ...update.names, ...renamedKeys(condition.names) },
      values: { ...update.values, ...renamedKeys(condition.values) },
    }),
  };
}

/** The native response as ExecuteStatement gives it; faults are the same. */
function asStatement(native: unknown): unknown {
  if (typeof native !== 'object' || native === null || 'type' in native) return native;
  const { Attributes, ...rest } = native as { Attributes?: unknown };
  return { Items: Attributes === undefined ? [] : [Attributes], ...rest };
}
