import { ClientFault, withRequestValidationPrefix } from '../errors/client-fault.ts';
import { itemFaults } from '../errors/items.ts';
import type { Item } from '../item/attribute-value.ts';
import type { WriteCommand, WriteResult } from '../partition/command.ts';
import type { Table } from '../routing/table.ts';
import { consumedCapacity, type ReturnConsumedCapacity } from './consumed-capacity.ts';
import {
  itemCollectionMetrics,
  type ReturnItemCollectionMetrics,
} from './item-collection-metrics.ts';
import type { ResponseBody } from './operation.ts';
import { itemsOf, type ReturnValues } from './return-values.ts';

/** Parameters that PutItem, UpdateItem and DeleteItem have in common: what to tell about the write. */
export interface WriteReport {
  readonly TableName: string;
  readonly ReturnValues?: ReturnValues | undefined;
  readonly ReturnConsumedCapacity?: ReturnConsumedCapacity | undefined;
  readonly ReturnItemCollectionMetrics?: ReturnItemCollectionMetrics | undefined;
  readonly ReturnValuesOnConditionCheckFailure?: 'ALL_OLD' | 'NONE' | undefined;
}

export type AppliedWrite = Extract<WriteResult, { readonly kind: 'applied' }>;

/** The response with nothing in it, which most writes have. */
const nothing = Buffer.from('{}');

/**
 * Executes one write and makes its response; `attributes` picks what ReturnValues asks for.
 * @throws ClientFault ConditionalCheckFailedException, throttling, evaluation faults
 */
export async function writeItem(
  table: Table,
  command: WriteCommand,
  report: WriteReport,
  attributes: (result: AppliedWrite) => Item | undefined,
): Promise<ResponseBody> {
  const showsItem = report.ReturnValuesOnConditionCheckFailure === 'ALL_OLD';
  const { before, after } = itemsOf(report.ReturnValues);
  const result = await table.write(command, { before: before || showsItem, after });
  if (result.kind === 'conditionFailed') {
    throw itemFaults.conditionFailed(showsItem ? result.before : undefined);
  }
  const { schema } = table;
  const { key } = command;
  const { capacity, collectionBytes } = result;
  const Attributes = attributes(result);
  const ConsumedCapacity = consumedCapacity(
    report.ReturnConsumedCapacity,
    report.TableName,
    capacity,
  );
  const ItemCollectionMetrics = itemCollectionMetrics(report.ReturnItemCollectionMetrics, {
    schema,
    key,
    collectionBytes,
  });
  if (
    Attributes === undefined &&
    ConsumedCapacity === undefined &&
    ItemCollectionMetrics === undefined
  ) {
    return nothing;
  }
  return { Attributes, ConsumedCapacity, ItemCollectionMetrics };
}

/**
 * The same function with the prefix that the single-item writes put before faults of request
 * validation.
 * @see reference/dynamodb.md §18; errors/client-fault.ts, RequestValidationFault
 */
export function prefixingFaults<Input, Output>(
  plan: (input: Input) => Output,
): (input: Input) => Output {
  return (input) => {
    try {
      return plan(input);
    } catch (thrown) {
      throw thrown instanceof ClientFault ? withRequestValidationPrefix(thrown) : thrown;
    }
  };
}
