import { TABLE_NAME } from '../item/table-name.ts';
import { JsonFields } from '../json-fields.ts';

/** A storage node of a table, and where it listens for routers. */
export interface StorageNode {
  readonly id: string;
  readonly zone: string;
  /** A DNS name: its address may change while it lives. */
  readonly host: string;
  readonly port: number;
}

/** What a storage node answers to `GET /identity`. */
export interface StorageIdentity {
  readonly clusterId: string;
  readonly nodeId: string;
  readonly tableName: string;
  readonly nodes: readonly StorageNode[];
}

const NODES_COUNT_MAX = 1024;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const ID = /^[a-z0-9]([a-z0-9.-]{0,126}[a-z0-9])?$/;

/** The answer is none of a storage node of one table. The message is one line. */
export class IdentityFault extends Error {
  override readonly name = 'IdentityFault';
}

/**
 * Who comes by DNS is not known yet, so all that is used is checked; the rest is passed over, since the
 * node may be of another release.
 * @throws IdentityFault
 */
export function storageIdentity(text: string): StorageIdentity {
  const fail = (complaint: string): never => {
    throw new IdentityFault(`the identity ${complaint}`);
  };
  const fields = new JsonFields(parsed(text, fail), '', fail);
  const nodes = fields.list('nodes');
  if (nodes.length > NODES_COUNT_MAX) fail(`names more than ${NODES_COUNT_MAX} nodes`);
  return {
    clusterId: fields.text('clusterId', UUID, 'a UUID in lower case'),
    nodeId: fields.text('nodeId', ID, 'the name of a node'),
    tableName: fields.text('tableName', TABLE_NAME, 'the name of a table'),
    nodes: nodes.map((node) => ({
      id: node.text('id', ID, 'the name of a node'),
      zone: node.text('zone', /^[A-Za-z0-9._-]{1,63}$/, 'a name'),
      host: node.text('host', /^[^\s/]{1,253}$/, 'a host name or address'),
      port: node.whole('port', 1, 65_535),
    })),
  };
}

function parsed(text: string, fail: (complaint: string) => never): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return fail('is not JSON');
    throw error;
  }
}
