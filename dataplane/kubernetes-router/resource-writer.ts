import type { ClientFault } from '../errors/client-fault.ts';
import { resourceFaults } from '../errors/tables.ts';
import { operatingTexts, transportFaults } from '../errors/transport.ts';
import type { KubeClient } from '../kubernetes/api-client.ts';
import { isKubeError, KubeError } from '../kubernetes/kube-error.ts';
import { resources } from '../kubernetes/resources.ts';
import type { TableResource } from '../kubernetes/table-resource.ts';
import type { WrittenTableSpec } from '../kubernetes/table-types.ts';
import {
  extract,
  fieldsOf,
  type JsonMap,
  managersOf,
  mapOf,
  pathOfText,
  pathText,
} from './field-set.ts';
import { specChange } from './spec-change.ts';

/** Owns what the DynamoDB API has set; it never takes a field from another manager. */
export const FIELD_MANAGER = 'trestle-api';

/** Of Tables that CreateTable has made. */
export const CREATED_BY_LABEL = { 'trestle.dev/created-by': FIELD_MANAGER } as const;

/** A request of the API is answered sooner than SDKs lose patience, whatever the API server does. */
const CALL_TIMEOUT_MS = 3_000;
/** No object is in this state: revisions of the store begin above it. So applying can only create. */
const NO_VERSION = '1';

export interface ResourceWriterOptions {
  readonly client: KubeClient;
  readonly namespace: string;
  readonly log: (event: string, fields: Readonly<Record<string, unknown>>) => void;
  readonly callTimeoutMs?: number;
}

/**
 * Table resources, read and written on behalf of the DynamoDB API.
 *
 * All methods throw ClientFault: InternalServerError while the API server does not answer.
 */
export class ResourceWriter {
  readonly #options: ResourceWriterOptions;

  constructor(options: ResourceWriterOptions) {
    this.#options = options;
  }

  /** The resource as it is now; undefined when it is gone, or another one has its name. */
  async read({ metadata }: TableResource): Promise<TableResource | undefined> {
    const { client, namespace } = this.#options;
    const { name, uid } = metadata;
    const found = await this.#call('read', (signal) =>
      client.get<TableResource>(resources.tables, { namespace, name }, signal),
    );
    return found?.metadata.uid === uid ? found : undefined;
  }

  /** All Tables with this tableName. */
  async find(tableName: string): Promise<readonly TableResource[]> {
    const { client, namespace } = this.#options;
    const fieldSelector = `spec.tableName=${tableName}`;
    const { items } = await this.#call('find', (signal) =>
      client.list<TableResource>(resources.tables, { namespace, fieldSelector }, signal),
    );
    return items;
  }

  /** @returns undefined when there is a Table with that `metadata.name` already */
  async create(spec: WrittenTableSpec, name: string): Promise<TableResource | undefined> {
    const metadata = { name, resourceVersion: NO_VERSION, labels: CREATED_BY_LABEL };
    // Applied, not created: whoever creates an object owns the defaults of all its fields, too.
    return this.#apply('create', { metadata, spec });
  }

  /**
   * Changes a spec as far as `after` differs from `before`, if the resource is still as it was read.
   * @returns undefined when it is not
   * @throws ClientFault ValidationException when the change is about fields that others own
   */
  async change(
    resource: TableResource,
    { before, after }: { readonly before: object; readonly after: object },
  ): Promise<TableResource | undefined> {
    const { metadata } = resource;
    const { name, uid, resourceVersion, managedFields = [] } = metadata;
    const isOwn = ({ manager, operation }: { manager: string; operation: string }) =>
      manager === FIELD_MANAGER && operation === 'Apply';
    // What is left out of what is applied is given up, so all that was applied before is applied again.
    const own = extract(asJson(resource), fieldsOf(managedFields.filter(isOwn)));
    const { spec, metadata: ownMetadata } = mapOf(own);
    const change = specChange(mapOf(spec), asJson(before), asJson(after));
    if (change.isEmpty) return resource;
    const others = managedFields.filter((entry) => !isOwn(entry));
    const kept = change.removed
      .map((path) => ({ field: pathText(path), owners: managersOf(others, path) }))
      .filter(({ owners }) => owners.length > 0);
    if (kept.length > 0) throw resourceFaults.owned(name, kept);
    return this.#apply(
      'change',
      {
        metadata: { ...mapOf(ownMetadata), name, uid, resourceVersion },
        spec: change.configuration,
      },
      resource,
    );
  }

  /** Has the very resource deleted; succeeds when it is gone already. */
  async delete({ metadata }: TableResource): Promise<void> {
    const { client, namespace } = this.#options;
    const { name, uid } = metadata;
    await this.#call('delete', async (signal) => {
      try {
        await client.delete(resources.tables, { namespace, name }, { uid }, signal);
      } catch (error) {
        // Another one has the name by now.
        if (!isKubeError(error, 409)) throw error;
      }
    });
  }

  /** @param before as it was read; undefined for a new one */
  #apply(
    operation: string,
    {
      metadata,
      spec,
    }: { readonly metadata: JsonMap & { readonly name: string }; readonly spec: object },
    before?: TableResource,
  ): Promise<TableResource | undefined> {
    const { client, namespace } = this.#options;
    const { name } = metadata;
    const object = { metadata: { ...metadata, namespace }, spec };
    const options = { fieldManager: FIELD_MANAGER, force: false };
    return this.#call(operation, async (signal) => {
      try {
        return await client.apply<TableResource>(resources.tables, object, options, signal);
      } catch (error) {
        if (!(error instanceof KubeError)) throw error;
        if (error.status === 409 && error.causes.length === 0) return undefined;
        if (error.status === 409) throw conflictFault(name, error, before);
        if (error.status === 422) throw refusal(name, error);
        throw error;
      }
    });
  }

  async #call<T>(operation: string, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const { callTimeoutMs = CALL_TIMEOUT_MS, log } = this.#options;
    const late = AbortSignal.timeout(callTimeoutMs);
    try {
      return await work(late);
    } catch (error) {
      if (!(error instanceof KubeError) && !late.aborted) throw error;
      const isAway = late.aborted || (error instanceof KubeError && error.isTransient);
      const message = error instanceof Error ? error.message : String(error);
      log(isAway ? 'apiServerAway' : 'apiServerRefused', { operation, error: message });
      throw transportFaults.internal(isAway ? operatingTexts.noControlPlane : undefined);
    }
  }
}

function conflictFault(
  name: string,
  { causes }: KubeError,
  before: TableResource | undefined,
): ClientFault {
  const others = before?.metadata.managedFields?.filter(({ manager }) => manager !== FIELD_MANAGER);
  const fields = causes.map(({ field, message }) => {
    const path = pathOfText(field);
    const owners = managersOf(others ?? [], path);
    return { field: pathText(path), owners: owners.length > 0 ? owners : [message] };
  });
  return resourceFaults.owned(name, fields);
}

function refusal(name: string, { causes, message }: KubeError): ClientFault {
  const reasons = causes.map((cause) => `${cause.field}: ${cause.message}`);
  return resourceFaults.refused(name, reasons.length > 0 ? reasons : [message]);
}

/** Objects of the API are JSON, whatever their types say. */
function asJson(value: object): JsonMap {
  return value as JsonMap;
}
