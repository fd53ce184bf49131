import { readFileSync } from 'node:fs';
import type { AttributeMap, KeyAttributeType } from '../../dataplane/item/attribute-value.ts';
import type { KeySchema } from './key-schema.ts';

/** What was captured of the official clients (reference/dax-vectors.json), as the tests use it. */

/** A request's parameters or result, as the API has them. */
export type Json = { readonly [member: string]: unknown };

export interface OperationVector {
  readonly id: string;
  readonly operation: string;
  readonly parameters: Json;
  /** Hex, of the Node client. */
  readonly request: string;
  readonly response: string;
  readonly decodedRequest: Json;
  readonly result?: Json;
  readonly error?: { readonly code: string; readonly cancellationReasons?: readonly Json[] };
  readonly differs?: { readonly [client: string]: { readonly request?: string } };
}

export interface Vectors {
  readonly tables: { readonly [table: string]: readonly string[] };
  readonly attributeLists: { readonly [id: string]: readonly string[] };
  readonly preambles: readonly { readonly client: string; readonly bytes: string }[];
  readonly authorizeConnection: readonly {
    readonly client: string;
    readonly request: string;
    readonly accessKeyId: string;
    readonly signature: string;
    readonly stringToSign: string;
    readonly sessionToken: string | null;
    readonly userAgent: string;
  }[];
  readonly endpoints: {
    readonly request: string;
    readonly response: string;
    readonly decoded: readonly {
      readonly node: number;
      readonly hostname: string;
      readonly address: string;
      readonly port: number;
      readonly role: number;
      readonly zone: string;
      readonly leaderSessionId: number;
    }[];
  };
  readonly lookups: readonly {
    readonly operation: string;
    readonly request: string;
    readonly response: string;
  }[];
  readonly operations: readonly OperationVector[];
  readonly errors: {
    readonly rows: readonly {
      readonly codes: readonly number[];
      readonly response: string;
      readonly node: { readonly code: string };
    }[];
  };
  readonly lexDecimal: { readonly rows: readonly (readonly [string, string])[] };
}

export const vectors: Vectors = JSON.parse(
  readFileSync(new URL('./testdata/dax-vectors.json', import.meta.url), 'utf8'),
);

/** The preamble of the Node client. */
export const preamble: Buffer = hex(vectors.preambles[0]?.bytes ?? '');

/** Every form in which a client sent an operation: client and bytes. */
export function requestsOf(vector: OperationVector): readonly (readonly [string, Buffer])[] {
  const others = Object.entries(vector.differs ?? {}).flatMap(
    ([client, { request }]): (readonly [string, Buffer])[] =>
      request === undefined ? [] : [[client, hex(request)]],
  );
  return [['node', hex(vector.request)], ...others];
}

/** Every request in the file, of all clients, in order. */
export const allRequests: readonly Buffer[] = [
  ...vectors.authorizeConnection.map(({ request }) => hex(request)),
  hex(vectors.endpoints.request),
  ...vectors.lookups.map(({ request }) => hex(request)),
  ...vectors.operations.flatMap((vector) => requestsOf(vector).map(([, bytes]) => bytes)),
];

/** Key schema of a table in the file. */
export function schemaOf(table: string): KeySchema {
  const [hash, range] = (vectors.tables[table] ?? ['pk:S']).map((text) => {
    const [name = '', type = ''] = text.split(':');
    return { name, type: type as KeyAttributeType };
  });
  if (hash === undefined) throw new Error('a table has a hash attribute');
  return { hash, range };
}

/** Names of an attribute list in the file. */
export function namesOf(listId: number): readonly string[] {
  const names = vectors.attributeLists[String(listId)];
  if (names === undefined) throw new Error(`the file has no attribute list ${listId}`);
  return names;
}

/** Id of the attribute list in the file that has these names. */
export function listIdOf(names: readonly string[]): number {
  const wanted = names.join();
  const found = Object.entries(vectors.attributeLists).find(([, list]) => list.join() === wanted);
  if (found === undefined) throw new Error(`the file has no attribute list ${wanted}`);
  return Number(found[0]);
}

export function hex(text: string): Buffer {
  return Buffer.from(text, 'hex');
}

/** A member that is an item. */
export function itemAt(json: Json, member: string): AttributeMap | undefined {
  return json[member] as AttributeMap | undefined;
}
