import type { JsonObject } from '../../dataplane/api/operation.ts';

/** One record of a cluster. */
export interface RegistryRecord {
  readonly value: JsonObject;
  /** Random, of the put: never the same again, not even if all records are lost and made anew. */
  readonly version: string;
}

/**
 * Durable records of a cluster by id, changed by conditional writes only. Membership and attribute
 * lists are kept in it.
 */
export interface RegistryStore {
  /**
   * As all acknowledged puts left it.
   * @throws RegistryError
   */
  get(id: string, options?: RegistryOptions): Promise<RegistryRecord | undefined>;

  /**
   * Puts a record where the version is still the one expected (undefined: where there is none).
   * @returns the new version, when it is durable; undefined when another version was there
   * @throws RegistryError; the record may have been put then, or may still be
   */
  put(
    id: string,
    value: JsonObject,
    expectedVersion: string | undefined,
    options?: RegistryOptions,
  ): Promise<string | undefined>;
}

export interface RegistryOptions {
  readonly signal?: AbortSignal;
}

/** The registry gave no answer. */
export class RegistryError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'RegistryError';
  }
}
