import type { JsonObject } from '../../dataplane/api/operation.ts';
import { type Draw, hasIndexes, randomIndexes, randomTables } from './random-draw.fixture.ts';
import { RandomExpressions } from './random-expression.fixture.ts';

/** A call that an SDK would take, and that the tables may refuse. */
export interface RandomCall {
  readonly operation: string;
  readonly parameters: JsonObject;
}

/** For tests: calls of all operations on items, with everything that DAX clients send of it. */
export function randomCall(draw: Draw): RandomCall {
  const operation = draw.pick(frequent);
  return { operation, parameters: operations[operation](draw) };
}

const operations = {
  GetItem: (draw: Draw) => {
    const table = draw.tableName();
    const projection = draw.chance(0.15)
      ? { AttributesToGet: draw.names(3) }
      : projected(draw, 0.5);
    return {
      ...{ TableName: table, Key: draw.key(table), ...projection, ...capacity(draw) },
      ...draw.maybe(0.2, { ConsistentRead: true }),
    };
  },
  PutItem: (draw: Draw) => {
    const table = draw.tableName();
    return {
      ...{ TableName: table, Item: draw.item(table), ...conditioned(draw), ...report(draw) },
      ...draw.maybe(0.5, { ReturnValues: draw.pick(['NONE', 'ALL_OLD', 'ALL_NEW']) }),
    };
  },
  UpdateItem: (draw: Draw) => {
    const table = draw.tableName();
    const values = ['NONE', 'ALL_OLD', 'UPDATED_OLD', 'ALL_NEW', 'UPDATED_NEW'];
    return {
      ...{ TableName: table, Key: draw.key(table), ...updated(draw), ...report(draw) },
      ...draw.maybe(0.8, { ReturnValues: draw.pick(values) }),
    };
  },
  DeleteItem: (draw: Draw) => {
    const table = draw.tableName();
    return {
      ...{ TableName: table, Key: draw.key(table), ...conditioned(draw), ...report(draw) },
      ...draw.maybe(0.5, { ReturnValues: draw.pick(['NONE', 'ALL_OLD']) }),
    };
  },
  Query: (draw: Draw) => {
    const expressions = new RandomExpressions(draw);
    const table = draw.tableName();
    const index = indexOf(draw, table);
    const keyCondition = {
      KeyConditionExpression: keyConditionOf(draw, expressions, table, index),
    };
    return {
      ...page(draw, expressions, { table, index, texts: keyCondition }),
      ...draw.maybe(0.3, { ScanIndexForward: draw.chance(0.3) }),
    };
  },
  Scan: (draw: Draw) => {
    const table = draw.tableName();
    const index = indexOf(draw, table);
    const TotalSegments = 1 + draw.below(3);
    return {
      ...page(draw, new RandomExpressions(draw), { table, index, texts: {} }),
      ...draw.maybe(0.3, { TotalSegments, Segment: draw.below(TotalSegments) }),
    };
  },
  BatchGetItem: (draw: Draw) => ({
    RequestItems: Object.fromEntries(
      draw.distinct(2, Object.keys(randomTables)).map((table) => [
        table,
        {
          Keys: distinctKeys(draw.several(5, () => draw.key(table))),
          ...projected(draw, 0.4),
          ...draw.maybe(0.2, { ConsistentRead: draw.chance(0.5) }),
        },
      ]),
    ),
    ...capacity(draw),
  }),
  BatchWriteItem: (draw: Draw) => ({
    RequestItems: Object.fromEntries(
      draw
        .distinct(2, Object.keys(randomTables))
        .map((table) => [
          table,
          distinctKeys(draw.several(4, () => draw.key(table))).map((Key) =>
            draw.chance(0.3)
              ? { DeleteRequest: { Key } }
              : { PutRequest: { Item: { ...draw.item(table), ...Key } } },
          ),
        ]),
    ),
    ...report(draw),
  }),
  TransactGetItems: (draw: Draw) => ({
    TransactItems: onePerTable(draw).map((table) => ({
      Get: { TableName: table, Key: draw.key(table), ...projected(draw, 0.5) },
    })),
    ...capacity(draw),
  }),
  // Node's clients take several items of one table for duplicates (README.md).
  TransactWriteItems: (draw: Draw) => ({
    TransactItems: onePerTable(draw).map((table) => transactItem(draw, table)),
    ...report(draw),
    ...draw.maybe(0.3, { ClientRequestToken: `token ${draw.below(1e9)}` }),
  }),
} as const satisfies Readonly<Record<string, (draw: Draw) => JsonObject>>;

const frequent = [
  ...(['PutItem', 'PutItem', 'UpdateItem', 'UpdateItem', 'DeleteItem', 'GetItem'] as const),
  ...(['Query', 'Query', 'Scan', 'BatchGetItem', 'BatchWriteItem'] as const),
  ...(['TransactGetItems', 'TransactWriteItems'] as const),
];

function capacity(draw: Draw): JsonObject {
  return draw.maybe(0.4, { ReturnConsumedCapacity: draw.pick(['INDEXES', 'TOTAL', 'NONE']) });
}

function report(draw: Draw): JsonObject {
  return { ...capacity(draw), ...draw.maybe(0.3, { ReturnItemCollectionMetrics: 'SIZE' }) };
}

function projected(draw: Draw, share: number): JsonObject {
  if (!draw.chance(share)) return {};
  const expressions = new RandomExpressions(draw);
  return expressions.members({ ProjectionExpression: expressions.projection() });
}

function conditioned(draw: Draw): JsonObject {
  if (draw.chance(0.1)) {
    return { Expected: { a: { ComparisonOperator: 'NULL' }, n: { Exists: false } } };
  }
  const expressions = new RandomExpressions(draw);
  if (!draw.chance(0.4)) return {};
  return expressions.members({ ConditionExpression: expressions.condition() });
}

function updated(draw: Draw): JsonObject {
  if (draw.chance(0.1)) {
    const put = { Action: 'PUT', Value: draw.value() };
    return { AttributeUpdates: { [draw.name()]: put, nope: { Action: 'DELETE' } } };
  }
  const expressions = new RandomExpressions(draw);
  return expressions.members({
    UpdateExpression: expressions.update(),
    ...draw.maybe(0.3, { ConditionExpression: expressions.condition() }),
  });
}

function indexOf(draw: Draw, table: string): string | undefined {
  return hasIndexes(table) && draw.chance(0.5) ? draw.pick(Object.keys(randomIndexes)) : undefined;
}

function keyConditionOf(
  draw: Draw,
  expressions: RandomExpressions,
  table: string,
  index: string | undefined,
): string {
  const own = randomTables[table]?.map((each) => each.slice(0, 2));
  const [hash = 'pk', range] = (index === undefined ? own : randomIndexes[index]) ?? [];
  const valueFor = (name: string) => expressions.value(draw.keyValueOf(table, name));
  const equal = `${expressions.name(hash)} = ${valueFor(hash)}`;
  if (range === undefined || draw.chance(0.5)) return equal;
  const name = expressions.name(range);
  const second = draw.chance(0.2)
    ? `${name} BETWEEN ${valueFor(range)} AND ${valueFor(range)}`
    : `${name} ${draw.pick(['=', '<', '<=', '>', '>='])} ${valueFor(range)}`;
  return `${equal} AND ${second}`;
}

function page(
  draw: Draw,
  expressions: RandomExpressions,
  of: { table: string; index: string | undefined; texts: Readonly<Record<string, string>> },
): JsonObject {
  const selects = ['COUNT', 'ALL_ATTRIBUTES', ...(of.index ? ['ALL_PROJECTED_ATTRIBUTES'] : [])];
  const projection = draw.chance(0.4) ? { ProjectionExpression: expressions.projection() } : {};
  const isProjected = 'ProjectionExpression' in projection;
  return {
    TableName: of.table,
    ...(of.index !== undefined && { IndexName: of.index }),
    ...expressions.members({
      ...of.texts,
      ...projection,
      ...draw.maybe(0.3, { FilterExpression: expressions.condition() }),
    }),
    ...draw.maybe(0.4, { Select: isProjected ? 'SPECIFIC_ATTRIBUTES' : draw.pick(selects) }),
    ...draw.maybe(0.4, { Limit: 1 + draw.below(4) }),
    ...draw.maybe(0.15, { ConsistentRead: draw.chance(0.7) }),
    ...capacity(draw),
  };
}

/** `100` and `1E2` are one key. */
function distinctKeys<Key extends object>(keys: readonly Key[]): Key[] {
  const byText = new Map(keys.map((key) => [JSON.stringify(key).replaceAll('1E2"', '100"'), key]));
  return [...byText.values()];
}

function onePerTable(draw: Draw): readonly string[] {
  return draw.distinct(4, Object.keys(randomTables));
}

function transactItem(draw: Draw, table: string): JsonObject {
  const expressions = new RandomExpressions(draw);
  const condition = expressions.condition();
  const shared = {
    TableName: table,
    ...draw.maybe(0.4, { ReturnValuesOnConditionCheckFailure: 'ALL_OLD' }),
  };
  const perhaps = () => draw.maybe(0.3, { ConditionExpression: condition });
  switch (draw.below(4)) {
    case 0:
      return { Put: { ...shared, Item: draw.item(table), ...expressions.members(perhaps()) } };
    case 1: {
      const update = { UpdateExpression: expressions.update(), ...perhaps() };
      return { Update: { ...shared, Key: draw.key(table), ...expressions.members(update) } };
    }
    case 2:
      return { Delete: { ...shared, Key: draw.key(table), ...expressions.members(perhaps()) } };
    default: {
      const check = expressions.members({ ConditionExpression: condition });
      return { ConditionCheck: { ...shared, Key: draw.key(table), ...check } };
    }
  }
}
