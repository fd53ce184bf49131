import { valueFaults } from '../../dataplane/errors/values.ts';
import { ATTRIBUTE_NAME_BYTES_MAX } from '../../dataplane/item/limits.ts';
import { utf8Bytes } from '../../dataplane/item/size.ts';
import { readBatchGetTables, readBatchWriteTables } from './batch-requests.ts';
import { MAJOR, TAG } from './cbor-head.ts';
import type { CborReader } from './cbor-reader.ts';
import { malformedFaults } from './faults.ts';
import { LIST_NAMES_MAX } from './limits.ts';
import { readOptions } from './request-options.ts';
import type { AuthorizeConnectionRequest, DaxRequest, MethodName } from './requests.ts';
import { readTransactGets, readTransactWrites } from './transaction-requests.ts';

/**
 * Reads the arguments of a method (reference/dax-protocol.md sections 3 to 10), which are all there.
 * @throws ClientFault ValidationException: values of the wrong kind, too many parts
 */
export function decodeRequest(method: MethodName, reader: CborReader): DaxRequest {
  switch (method) {
    case 'getItem':
    case 'updateItem':
    case 'deleteItem': {
      const table = reader.byteText();
      const key = reader.byteString();
      return { method, table, key, options: readOptions(reader) };
    }
    case 'putItem': {
      const table = reader.byteText();
      const key = reader.byteString();
      const values = reader.byteString();
      return { method, table, key, values, options: readOptions(reader) };
    }
    case 'query': {
      const table = reader.byteText();
      const keyCondition = reader.tryNull() ? undefined : reader.byteString();
      return { method, table, keyCondition, options: readOptions(reader) };
    }
    case 'scan': {
      const table = reader.byteText();
      return { method, table, options: readOptions(reader) };
    }
    case 'batchGetItem': {
      const tables = readBatchGetTables(reader);
      return { method, tables, options: readOptions(reader) };
    }
    case 'batchWriteItem': {
      const tables = readBatchWriteTables(reader);
      return { method, tables, options: readOptions(reader) };
    }
    case 'transactGetItems': {
      const gets = readTransactGets(reader);
      return { method, gets, options: readOptions(reader) };
    }
    case 'transactWriteItems': {
      const writes = readTransactWrites(reader);
      return { method, writes, options: readOptions(reader) };
    }
    default:
      return decodeConnectionRequest(method, reader);
  }
}

/** Requests that are not about items. */
function decodeConnectionRequest(
  method: Extract<MethodName, 'authorizeConnection' | 'endpoints' | `define${string}`>,
  reader: CborReader,
): DaxRequest {
  switch (method) {
    case 'authorizeConnection':
      return readAuthorization(reader);
    case 'endpoints':
      return { method };
    case 'defineKeySchema':
      return { method, table: reader.byteText() };
    case 'defineAttributeListId':
      return { method, names: readNames(reader) };
    case 'defineAttributeList':
      return { method, id: reader.integer() };
  }
}

function readAuthorization(reader: CborReader): AuthorizeConnectionRequest {
  const accessKeyId = reader.text();
  const signature = reader.text();
  const stringToSign = reader.byteText();
  const sessionToken = reader.tryNull() ? undefined : reader.text();
  const userAgent = reader.tryNull() ? undefined : reader.text();
  return {
    method: 'authorizeConnection',
    accessKeyId,
    signature,
    stringToSign,
    sessionToken,
    userAgent,
  };
}

/** The names of an attribute list: names that attributes can have, each once. */
/** An array; from Java's client a set of texts. */
function readNames(reader: CborReader): readonly string[] {
  if (reader.peekMajor() === MAJOR.tag && reader.takeArgument() !== TAG.stringSet) {
    throw malformedFaults.value('an array of texts');
  }
  const count = reader.arrayCount();
  const names = new Set<string>();
  while (reader.hasElement(names.size, count)) {
    if (names.size === LIST_NAMES_MAX) throw malformedFaults.listTooLong();
    const name = reader.text();
    if (name === '') throw valueFaults.emptyAttributeName();
    if (utf8Bytes(name) > ATTRIBUTE_NAME_BYTES_MAX) throw valueFaults.attributeNameTooLarge();
    if (names.has(name)) throw malformedFaults.repeatedName(name);
    names.add(name);
  }
  return [...names];
}
