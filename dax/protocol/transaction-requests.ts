import { type CborReader, INDEFINITE_COUNT } from './cbor-reader.ts';
import { countFaults, malformedFaults } from './faults.ts';
import { TRANSACTION_PARTS_MAX } from './limits.ts';
import type { TransactGet, TransactWrite, TransactWriteOperation } from './requests.ts';

/**
 * The parts of TransactGetItems: arrays in step of tables, keys, and projections or nulls.
 * @throws ClientFault ValidationException
 */
export function readTransactGets(reader: CborReader): readonly TransactGet[] {
  const tables = readList(reader, readTable);
  const keys = readList(reader, readBytes);
  const projections = readList(reader, readBytesOrNull);
  checkInStep(tables.length, [keys, projections]);
  return tables.map((table, index) => ({
    table,
    key: at(keys, index),
    projection: projections[index],
  }));
}

/**
 * The parts of TransactWriteItems: arrays in step of operations, tables, keys, values, return values
 * (no client sets them), return values on failure, conditions, updates.
 * @throws ClientFault ValidationException
 */
export function readTransactWrites(reader: CborReader): readonly TransactWrite[] {
  const operations = readList(reader, readOperation);
  const tables = readList(reader, readTable);
  const keys = readList(reader, readBytes);
  const values = readList(reader, readBytesOrNull);
  if (!reader.tryNull()) reader.skip();
  const returns = reader.tryNull() ? [] : readList(reader, readReturnOnFailure);
  const conditions = readList(reader, readBytesOrNull);
  const updates = readList(reader, readBytesOrNull);
  checkInStep(operations.length, [tables, keys, values, conditions, updates]);
  if (returns.length > 0) checkInStep(operations.length, [returns]);
  return operations.map((operation, index) => ({
    operation,
    table: at(tables, index),
    key: at(keys, index),
    values: values[index],
    condition: conditions[index],
    update: updates[index],
    returnValuesOnConditionCheckFailure: returns[index],
  }));
}

const operations: ReadonlyMap<number, TransactWriteOperation> = new Map<
  number,
  TransactWriteOperation
>([
  [2, 'Put'],
  [7, 'Delete'],
  [9, 'Update'],
  [12, 'ConditionCheck'],
]);

function readList<T>(reader: CborReader, read: (reader: CborReader) => T): readonly T[] {
  const count = reader.arrayCount();
  if (count === 0) throw countFaults.transactItems('min', 1);
  if (count > TRANSACTION_PARTS_MAX) throw tooMany();
  const list: T[] = [];
  while (reader.hasElement(list.length, count)) {
    if (count === INDEFINITE_COUNT && list.length === TRANSACTION_PARTS_MAX) throw tooMany();
    list.push(read(reader));
  }
  return list;
}

function tooMany() {
  return countFaults.transactItems('max', TRANSACTION_PARTS_MAX);
}

function readTable(reader: CborReader): string {
  return reader.byteText();
}

function readBytes(reader: CborReader): Buffer {
  return reader.byteString();
}

function readBytesOrNull(reader: CborReader): Buffer | undefined {
  return reader.tryNull() ? undefined : reader.byteString();
}

function readOperation(reader: CborReader): TransactWriteOperation {
  const code = reader.integer();
  const operation = operations.get(code);
  if (operation === undefined) throw malformedFaults.operation(code);
  return operation;
}

function readReturnOnFailure(reader: CborReader): 'NONE' | 'ALL_OLD' | undefined {
  if (reader.tryNull()) return undefined;
  const code = reader.integer();
  if (code !== 1 && code !== 2) {
    throw malformedFaults.optionValue('ReturnValuesOnConditionCheckFailure');
  }
  return code === 1 ? 'NONE' : 'ALL_OLD';
}

function checkInStep(length: number, lists: readonly (readonly unknown[])[]): void {
  if (lists.some((list) => list.length !== length)) throw malformedFaults.stepless();
}

function at<T>(list: readonly T[], index: number): T {
  const element = list[index];
  if (element === undefined) throw malformedFaults.stepless();
  return element;
}
