import { randomUUID } from 'node:crypto';
import type { JsonObject } from '../../dataplane/api/operation.ts';
import type { RegistryRecord, RegistryStore } from './registry-store.ts';

/** Records of one process, gone when it ends: attribute lists of clients that outlive it lose their meaning. */
export class MemoryRegistryStore implements RegistryStore {
  readonly #records = new Map<string, RegistryRecord>();

  get(id: string): Promise<RegistryRecord | undefined> {
    return Promise.resolve(this.#records.get(id));
  }

  put(
    id: string,
    value: JsonObject,
    expectedVersion: string | undefined,
  ): Promise<string | undefined> {
    if (this.#records.get(id)?.version !== expectedVersion) return Promise.resolve(undefined);
    const version = randomUUID();
    this.#records.set(id, { value, version });
    return Promise.resolve(version);
  }
}
