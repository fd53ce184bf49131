import { randomUUID } from 'node:crypto';
import { open, readFile, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { crc32 } from 'node:zlib';
import { identityFile, makeFolder, readFormat, syncFolder } from './storage/format.ts';
import { StoreError } from './storage/store.ts';

/**
 * Version of what a node keeps in its store: keys and records of replicas and their logs. (`FORMAT`
 * has the version of what lies below, the folder and its LevelDB.)
 *
 * A newer one is refused. When there is a version 2, its code reads version 1 as well: it opens the
 * store, rewrites what differs, and then writes `NODE` with `storageFormat: 2`, in that order, so
 * that a crash in between leaves a folder of version 1, and the same code starts over.
 */
export const STORAGE_FORMAT = 1;

/** Version of the file `NODE` itself. */
const IDENTITY_FORMAT = 1;

/** Which node of which cluster a data folder belongs to. */
export interface NodeIdentity {
  readonly clusterId: string;
  readonly nodeId: string;
  readonly zone: string;
  /** UUID, made when the folder was new: a node that lost its folder comes back with another one. */
  readonly storeId: string;
}

/** The data folder belongs to somebody else. The message is one line. */
export class IdentityError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'IdentityError';
  }
}

/**
 * Sees to it that a data folder is this node's: one that is new becomes so, one of another node, zone
 * or cluster, or of an embedded server, is refused and left as it is.
 *
 * `NODE` is written before the store is made. So a folder without a store whose `NODE` exists is one
 * whose set-up was interrupted, or one that lost its store: it gets a new `storeId` either way.
 * @throws IdentityError, StoreError
 */
export async function claimFolder(
  folder: string,
  wanted: Omit<NodeIdentity, 'storeId'>,
): Promise<NodeIdentity> {
  await makeFolder(folder);
  const hasStore = (await readFormat(folder)) === 'current';
  const found = await readIdentity(folder);
  if (found !== undefined) checkSame(folder, found, wanted);
  if (!hasStore) return writeIdentity(folder, { ...wanted, storeId: randomUUID() });
  if (found === undefined) {
    throw new IdentityError(
      `${folder} holds the tables of an embedded server: a node needs a folder of its own`,
    );
  }
  return found;
}

/** Refuses a node's data folder, which an embedded server must not open. @throws IdentityError, StoreError */
export async function assertEmbeddedFolder(folder: string): Promise<void> {
  const found = await readIdentity(folder);
  if (found === undefined) return;
  throw new IdentityError(
    `${folder} is the data folder of the node '${found.nodeId}' of a cluster: give another one`,
  );
}

/** Undefined when the folder has no identity, or is not there. @throws StoreError */
export async function readIdentity(folder: string): Promise<NodeIdentity | undefined> {
  const path = join(folder, identityFile);
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw new StoreError('io', `cannot read ${path}: ${code ?? String(error)}`, { cause: error });
  }
  return decodeIdentity(text, path);
}

function checkSame(
  folder: string,
  found: NodeIdentity,
  wanted: Omit<NodeIdentity, 'storeId'>,
): void {
  const differs = (what: string, theirs: string, ours: string) =>
    new IdentityError(`${folder} belongs to ${what} ${theirs}, the topology says ${ours}`);
  if (found.clusterId !== wanted.clusterId) {
    throw differs('cluster', found.clusterId, wanted.clusterId);
  }
  if (found.nodeId !== wanted.nodeId) throw differs('node', found.nodeId, wanted.nodeId);
  if (found.zone !== wanted.zone) {
    throw differs(`node ${found.nodeId} in zone`, found.zone, wanted.zone);
  }
}

/** One line of JSON: `{"version": 1, "checksum": CRC-32 of the body's JSON, "body": {...}}`. */
function encodeIdentity(identity: NodeIdentity): string {
  const body = { storageFormat: STORAGE_FORMAT, ...identity };
  return `${JSON.stringify({ version: IDENTITY_FORMAT, checksum: checksumOf(body), body })}\n`;
}

function checksumOf(body: object): number {
  return crc32(JSON.stringify(body));
}

function decodeIdentity(text: string, path: string): NodeIdentity {
  const damaged = () => new StoreError('damaged', `${path} is damaged: it names no node.`);
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) throw damaged();
    throw error;
  }
  if (!isRecord(json) || typeof json.version !== 'number') throw damaged();
  refuseNewer('the file has format', json.version, IDENTITY_FORMAT, path);
  const body = json.body;
  if (!isRecord(body) || typeof body.storageFormat !== 'number') throw damaged();
  if (checksumOf(body) !== json.checksum) throw damaged();
  refuseNewer('the data has storage format', body.storageFormat, STORAGE_FORMAT, path);
  if (!isIdentity(body)) throw damaged();
  const { clusterId, nodeId, zone, storeId } = body;
  return { clusterId, nodeId, zone, storeId };
}

function refuseNewer(what: string, version: number, versionMax: number, path: string): void {
  if (version <= versionMax) return;
  throw new StoreError(
    'newerFormat',
    `${path} was written by a newer Trestle: ${what} ${version}, this version reads up to ${versionMax}.`,
  );
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isIdentity(body: object): body is NodeIdentity {
  const fields: Readonly<Partial<Record<string, unknown>>> = { ...body };
  return ['clusterId', 'nodeId', 'zone', 'storeId'].every(
    (name) => typeof fields[name] === 'string',
  );
}

async function writeIdentity(folder: string, identity: NodeIdentity): Promise<NodeIdentity> {
  const path = join(folder, identityFile);
  try {
    const file = await open(`${path}.new`, 'w');
    try {
      await file.writeFile(encodeIdentity(identity));
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(`${path}.new`, path);
    await syncFolder(folder);
    await syncFolder(dirname(folder));
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    throw new StoreError('io', `cannot write ${path}: ${code ?? String(error)}`, { cause: error });
  }
  return identity;
}
