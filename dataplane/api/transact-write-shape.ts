import {
  expressionAttributeNames,
  expressionAttributeValues,
  returnValuesOnConditionCheckFailure,
  text,
} from './item-shapes.ts';
import { attributeMap, structure, type ValueOf } from './shape/shape.ts';
import { tableNameOrArn } from './table-name.ts';

const common = {
  TableName: tableNameOrArn(),
  ConditionExpression: text,
  ExpressionAttributeNames: expressionAttributeNames,
  ExpressionAttributeValues: expressionAttributeValues,
  ReturnValuesOnConditionCheckFailure: returnValuesOnConditionCheckFailure,
};

/** Exactly one of its members is to be there: `planOf` checks that. */
export const transactWriteItem = structure(
  {
    ConditionCheck: structure(
      { Key: attributeMap(), ...common },
      { name: 'ConditionCheck', required: ['Key', 'TableName', 'ConditionExpression'] },
    ),
    Delete: structure(
      { Key: attributeMap(), ...common },
      { name: 'Delete', required: ['Key', 'TableName'] },
    ),
    Put: structure(
      { Item: attributeMap(), ...common },
      { name: 'Put', required: ['Item', 'TableName'] },
    ),
    Update: structure(
      { Key: attributeMap(), ...common, UpdateExpression: text },
      { name: 'Update', required: ['Key', 'TableName', 'UpdateExpression'] },
    ),
  },
  { name: 'TransactWriteItem' },
);

/** One element of TransactItems. */
export type TransactWriteItem = ValueOf<typeof transactWriteItem>;
