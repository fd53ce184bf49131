import { randomUUID } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { type FileHandle, open, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { JsonObject } from '../../dataplane/api/operation.ts';
import { RegistryError, type RegistryRecord, type RegistryStore } from './registry-store.ts';

/**
 * Records as files of a folder, for a node that is alone: `{"version", "value"}` under the record's id, percent-encoded.
 * A file is written beside, synced and renamed, so it is there whole or not at all; then the folder is synced.
 *
 * Of one process at a time: conditions are looked at in its memory.
 */
export class FolderRegistryStore implements RegistryStore {
  readonly #folder: string;
  /** One put at a time, so that nothing comes between its look and its rename. */
  #putting: Promise<unknown> = Promise.resolve();

  /** Makes the folder where there is none. @throws the system's error */
  constructor(folder: string) {
    mkdirSync(folder, { recursive: true });
    this.#folder = folder;
  }

  async get(id: string): Promise<RegistryRecord | undefined> {
    const path = this.#pathOf(id);
    let text: string;
    try {
      text = await readFile(path, 'utf8');
    } catch (error) {
      if (isSystemError(error) && error.code === 'ENOENT') return undefined;
      throw registryErrorOf(error, path);
    }
    return recordOf(text, path);
  }

  put(
    id: string,
    value: JsonObject,
    expectedVersion: string | undefined,
  ): Promise<string | undefined> {
    const put = this.#putting.then(() => this.#put(id, value, expectedVersion));
    // Whoever called is told of a failure; it keeps nobody else from his turn.
    this.#putting = put.catch(() => undefined);
    return put;
  }

  async #put(
    id: string,
    value: JsonObject,
    expectedVersion: string | undefined,
  ): Promise<string | undefined> {
    const former = await this.get(id);
    if (former?.version !== expectedVersion) return undefined;
    const record: RegistryRecord = { version: randomUUID(), value };
    const path = this.#pathOf(id);
    const draft = `${path}.${randomUUID()}.tmp`;
    try {
      await withFile(draft, 'wx', async (file) => {
        await file.writeFile(JSON.stringify(record));
        await file.sync();
      });
      await rename(draft, path);
      await withFile(this.#folder, 'r', (folder) => folder.sync());
      return record.version;
    } catch (error) {
      await rm(draft, { force: true });
      throw registryErrorOf(error, path);
    }
  }

  #pathOf(id: string): string {
    return join(this.#folder, `${encodeURIComponent(id)}.json`);
  }
}

async function withFile(
  path: string,
  flags: string,
  work: (file: FileHandle) => Promise<void>,
): Promise<void> {
  const file = await open(path, flags);
  try {
    await work(file);
  } finally {
    await file.close();
  }
}

function recordOf(text: string, path: string): RegistryRecord {
  let record: unknown;
  try {
    record = JSON.parse(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  const { version, value } = Object(record);
  if (typeof version !== 'string' || typeof value !== 'object' || value === null)
    throw new RegistryError(`the file ${path} is damaged`);
  return { version, value };
}

function registryErrorOf(error: unknown, path: string): unknown {
  if (!isSystemError(error)) return error;
  return new RegistryError(`the file ${path} cannot be read or written: ${error.code}`, {
    cause: error,
  });
}

function isSystemError(error: unknown): error is Error & { readonly code: string } {
  return error instanceof Error && 'code' in error && typeof error.code === 'string';
}
