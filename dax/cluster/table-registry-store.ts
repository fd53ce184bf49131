import { randomUUID } from 'node:crypto';
import type { JsonObject } from '../../dataplane/api/operation.ts';
import { ClientFault } from '../../dataplane/errors/client-fault.ts';
import { TableCallError, type TableCalls } from '../tables/table-calls.ts';
import {
  RegistryError,
  type RegistryOptions,
  type RegistryRecord,
  type RegistryStore,
} from './registry-store.ts';

export interface TableRegistryOptions {
  readonly calls: TableCalls;
  /** With the string keys `cluster` (HASH) and `id` (RANGE). */
  readonly tableName: string;
  /** Clusters share a table. */
  readonly cluster: string;
}

/**
 * Records as items of a table, which all nodes of a cluster share: `{cluster: S, id: S, version: S, value: S}`, the value as JSON.
 * Read strongly consistent, put under a condition.
 */
export class TableRegistryStore implements RegistryStore {
  readonly #options: TableRegistryOptions;

  constructor(options: TableRegistryOptions) {
    this.#options = options;
  }

  async get(id: string, options: RegistryOptions = {}): Promise<RegistryRecord | undefined> {
    const { calls, tableName: TableName, cluster } = this.#options;
    const Key = { cluster: { S: cluster }, id: { S: id } };
    try {
      const answer = await calls.call('GetItem', { TableName, Key, ConsistentRead: true }, options);
      return answer.Item === undefined ? undefined : recordOf(answer.Item);
    } catch (error) {
      throw registryErrorOf(error);
    }
  }

  async put(
    id: string,
    value: JsonObject,
    expectedVersion: string | undefined,
    options: RegistryOptions = {},
  ): Promise<string | undefined> {
    const { calls, tableName: TableName, cluster } = this.#options;
    const version = randomUUID();
    const Item = {
      cluster: { S: cluster },
      id: { S: id },
      version: { S: version },
      value: { S: JSON.stringify(value) },
    };
    try {
      await calls.call('PutItem', { TableName, Item, ...conditionOf(expectedVersion) }, options);
      return version;
    } catch (error) {
      if (error instanceof ClientFault && error.type === 'ConditionalCheckFailedException')
        return undefined;
      throw registryErrorOf(error);
    }
  }
}

function conditionOf(expectedVersion: string | undefined): JsonObject {
  if (expectedVersion === undefined)
    return { ConditionExpression: 'attribute_not_exists(#v)', ExpressionAttributeNames: NAMES };
  return {
    ConditionExpression: '#v = :v',
    ExpressionAttributeNames: NAMES,
    ExpressionAttributeValues: { ':v': { S: expectedVersion } },
  };
}

const NAMES = { '#v': 'version' };

function recordOf(item: unknown): RegistryRecord {
  const { version, value } = Object(item);
  const etag: unknown = Object(version).S;
  const text: unknown = Object(value).S;
  let decoded: unknown;
  try {
    decoded = typeof text === 'string' ? JSON.parse(text) : undefined;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  if (typeof etag !== 'string' || typeof decoded !== 'object' || decoded === null)
    throw new RegistryError('a record of the registry is damaged');
  return { version: etag, value: { ...decoded } };
}

function registryErrorOf(error: unknown): unknown {
  if (error instanceof TableCallError) return new RegistryError(error.message, { cause: error });
  if (error instanceof ClientFault) {
    const text = `the registry's table refused: ${error.type}: ${error.message ?? ''}`;
    return new RegistryError(text, { cause: error });
  }
  return error;
}
