import type { AttributeValue } from '../../item/attribute-value.ts';
import type { TableSchema } from '../../partition/schema.ts';
import type { Tables } from '../operation.ts';
import type { ItemAccess, ItemUse } from './needed-access.ts';
import { once } from './once.ts';

/**
 * The values of DynamoDB's condition keys for one access to items, each made when it is asked for.
 * @see reference/dynamodb.md section 12; AWS, "Using IAM policy conditions for fine-grained access"
 */
export class ItemConditions {
  readonly #enclosingOperation: string | undefined;
  readonly #use: () => ItemUse;
  readonly #schema: () => TableSchema;

  constructor({ table, enclosingOperation, use }: ItemAccess, tables: Tables) {
    this.#enclosingOperation = enclosingOperation;
    this.#use = once(use);
    this.#schema = () => tables.openTable(table).schema;
  }

  /** @throws ClientFault: the request is not well formed; the table or index is not there */
  get(key: string): readonly string[] | undefined {
    switch (key) {
      case 'dynamodb:leadingkeys':
        // First the request alone: what is wrong with it is told whether there is a table or not.
        return textsOf(this.#use().partitionKeys, this.#schema);
      case 'dynamodb:attributes':
        return [...this.#use().attributes()];
      case 'dynamodb:select':
        return maybe(this.#use().select);
      case 'dynamodb:returnvalues':
        return maybe(this.#use().returnValues);
      case 'dynamodb:returnconsumedcapacity':
        return [this.#use().returnConsumedCapacity];
      case 'dynamodb:fulltablescan': {
        const { isFullTableScan } = this.#use();
        return isFullTableScan && [String(isFullTableScan(this.#schema()))];
      }
      case 'dynamodb:enclosingoperation':
        return maybe(this.#enclosingOperation);
      default:
        return undefined;
    }
  }
}

function maybe(value: string | undefined): readonly string[] | undefined {
  return value === undefined ? undefined : [value];
}

function textsOf(
  partitionKeys: ItemUse['partitionKeys'],
  schema: () => TableSchema,
): readonly string[] {
  return partitionKeys(schema()).flatMap(keyText);
}

/** Partition keys have at most 2048 bytes; in base64 that is a third more. */
const KEY_CHARACTERS_MAX = 4_096;

/**
 * As policies write it: numbers in normal form, binary values in base64. What has another type, or is
 * longer, is no key, and the operation refuses it.
 */
function keyText(value: AttributeValue): readonly string[] {
  if ('S' in value) return [value.S.slice(0, KEY_CHARACTERS_MAX)];
  if ('N' in value) return [value.N];
  return 'B' in value ? [value.B.slice(0, KEY_CHARACTERS_MAX)] : [];
}
