import type { JsonObject } from '../../dataplane/api/operation.ts';
import type { KeyAttribute, KeySchema } from '../protocol/key-schema.ts';
import { TableCallError } from './table-calls.ts';
import type { IndexKeys, TableInfo } from './table-descriptions.ts';

/**
 * What DescribeTable said.
 * @throws TableCallError if that is no description
 */
export function tableInfoOf(answer: JsonObject): TableInfo {
  const table = objectOf(answer.Table);
  const types = new Map(
    listOf(table.AttributeDefinitions).map((definition) => [
      textOf(definition.AttributeName),
      keyTypeOf(definition.AttributeType),
    ]),
  );
  return {
    name: textOf(table.TableName),
    id: textOf(table.TableId),
    arn: textOf(table.TableArn),
    key: keySchemaOf(table, types),
    localIndexes: new Map(
      listOf(table.LocalSecondaryIndexes).map((index) => [
        textOf(index.IndexName),
        keySchemaOf(index, types),
      ]),
    ),
    globalIndexes: new Map(
      listOf(table.GlobalSecondaryIndexes).map((index) => [
        textOf(index.IndexName),
        indexKeysOf(index, types),
      ]),
    ),
  };
}

type KeyTypes = ReadonlyMap<string, KeyAttribute['type']>;

function keySchemaOf(described: JsonObject, types: KeyTypes): KeySchema {
  const { hash, range } = indexKeysOf(described, types);
  const [first] = hash;
  if (first === undefined || hash.length > 1 || range.length > 1) throw malformed();
  return { hash: first, range: range[0] };
}

function indexKeysOf({ KeySchema: schema }: JsonObject, types: KeyTypes): IndexKeys {
  const parts = listOf(schema);
  const partOf = (keyType: string) =>
    parts
      .filter((part) => part.KeyType === keyType)
      .map((part) => keyAttributeOf(textOf(part.AttributeName), types));
  return { hash: partOf('HASH'), range: partOf('RANGE') };
}

function keyAttributeOf(name: string, types: KeyTypes): KeyAttribute {
  const type = types.get(name);
  if (type === undefined) throw malformed();
  return { name, type };
}

function keyTypeOf(type: unknown): KeyAttribute['type'] {
  if (type === 'S' || type === 'N' || type === 'B') return type;
  throw malformed();
}

function objectOf(value: unknown): JsonObject {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw malformed();
  return { ...value };
}

/** Empty where there is none. */
function listOf(value: unknown): readonly JsonObject[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw malformed();
  return value.map(objectOf);
}

function textOf(value: unknown): string {
  if (typeof value !== 'string' || value === '') throw malformed();
  return value;
}

function malformed(): TableCallError {
  return new TableCallError('the tables describe a table in a form that is not known', false);
}
