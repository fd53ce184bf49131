import { createHash } from 'node:crypto';
import { checkAccountUnits } from '../catalog/account-quota.ts';
import { tableNameOf, taggedTableName } from '../catalog/arn.ts';
import { checkCreateTable } from '../catalog/create-plan.ts';
import type { TableDescription } from '../catalog/description.ts';
import type { TableDescriptor, Tag } from '../catalog/descriptor.ts';
import { CONCURRENT_OPERATIONS_COUNT_MAX, TABLES_COUNT_MAX } from '../catalog/limits.ts';
import type { CreateTableRequest, UpdateTableRequest } from '../catalog/table-request.ts';
import type { TimeToLiveSpecification } from '../catalog/time-to-live-rules.ts';
import { checkUpdateTable } from '../catalog/update-request-rules.ts';
import { ClientFault } from '../errors/client-fault.ts';
import { resourceFaults, tableFaults, tableLimitFaults } from '../errors/tables.ts';
import { operatingTexts, transportFaults } from '../errors/transport.ts';
import {
  resourceNameOf,
  specOfCreateRequest,
  type TableResource,
} from '../kubernetes/table-resource.ts';
import type { WrittenTableSpec } from '../kubernetes/table-types.ts';
import { pause } from '../replication/scheduler.ts';
import {
  declaredTable,
  describeDeletedResource,
  describeNewResource,
  descriptorOf,
  identityMembers,
  isObserved,
  requestOf,
  stateOf,
  withoutNewStream,
} from './resource-description.ts';
import type { ResourceSource } from './resource-source.ts';
import type { ResourceWriter } from './resource-writer.ts';
import type { KnownTable } from './table-directory.ts';
import { parsed, type TableViews, type TableViewsOptions, tagsOf } from './table-views.ts';
import { Turns } from './turns.ts';
import { updatedRequest } from './updated-request.ts';

/** The operator has so long to carry out the change before this one; then the table is in use. */
const CATCH_UP_MS = 5_000;
/** Others write to the same resource: its status above all. */
const ATTEMPTS_MAX = 10;

export interface TableWritesOptions extends TableViewsOptions {
  readonly source: Pick<ResourceSource, 'look' | 'note' | 'reread'>;
  readonly views: TableViews;
  readonly writer: ResourceWriter;
}

/** How a change begins. */
interface ChangeRules {
  /** What is told of a table that is no table yet. */
  readonly creating: (tableName: string) => ClientFault;
  /** Whether what was asked before is to be done first: what is allowed now may depend on it. */
  readonly waits: boolean;
}

const usualRules: ChangeRules = { creating: tableFaults.beingCreated, waits: true };

/**
 * Changes of tables that clients of the API ask for. They are checked as the service checks them, those
 * that depend on the table's state by its own catalog, without being made there (a dry run). Then they
 * are written into the Table resource, and the operator carries them out.
 */
export class TableWrites {
  readonly #options: TableWritesOptions;
  /** By table name. */
  readonly #turns = new Turns();

  constructor(options: TableWritesOptions) {
    this.#options = options;
  }

  create(request: CreateTableRequest): Promise<TableDescription> {
    const { place, source, scheduler } = this.#options;
    checkCreateTable(request, place.region);
    const name = tableNameOf(request.TableName, place);
    return this.#turns.run(name, async () => {
      await this.#checkNameIsFree(name);
      this.#checkQuotas(name, request);
      // What CreateTable made, DeleteTable deletes with its data.
      const spec = { ...specOf(request, name), deletionPolicy: 'Delete' } as const;
      const created = await this.#created(spec);
      source.note(created);
      return describeNewResource(created, { place, nowMs: scheduler.nowMs() });
    });
  }

  update(request: UpdateTableRequest): Promise<TableDescription> {
    checkUpdateTable(request);
    const name = tableNameOf(request.TableName, this.#options.place);
    return this.#changed(name, usualRules, async (table, resource) => {
      const answer = await this.#rehearsed(table, 'UpdateTable', request);
      const before = requestOf(resource);
      const after = updatedRequest(before, request);
      this.#checkUnits(name, { before, after });
      const isWritten = await this.#written(resource, {
        before: specOf(before, name),
        after: specOf(after, name),
      });
      if (!isWritten) return undefined;
      const description = descriptionOf(answer, resource);
      const isNewStream = request.StreamSpecification?.StreamEnabled === true;
      return isNewStream ? withoutNewStream(description) : description;
    });
  }

  delete(nameOrArn: string): Promise<TableDescription> {
    const { place, source, writer } = this.#options;
    const name = tableNameOf(nameOrArn, place);
    return this.#changed(name, usualRules, async (table, resource) => {
      if (resource.spec.deletionProtectionEnabled) throw tableFaults.deletionProtected();
      const description = await this.#rehearsedDeletion(table, resource);
      await writer.delete(resource);
      await source.reread(resource);
      return description;
    });
  }

  async updateTimeToLive(nameOrArn: string, wanted: TimeToLiveSpecification): Promise<void> {
    const name = tableNameOf(nameOrArn, this.#options.place);
    const rules = { ...usualRules, creating: tableFaults.notFound };
    await this.#changed(name, rules, async (table, resource) => {
      const body = { TableName: name, TimeToLiveSpecification: wanted };
      await this.#rehearsed(table, 'UpdateTimeToLive', body);
      const { timeToLive } = resource.spec;
      const after = wanted.Enabled
        ? { enabled: true, attributeName: wanted.AttributeName }
        : { ...timeToLive, enabled: false };
      return this.#written(resource, { before: { timeToLive }, after: { timeToLive: after } });
    });
  }

  /** The table that an ARN of the operations on tags names. @throws ClientFault */
  taggedName(arn: string | undefined): string {
    return taggedTableName(arn, this.#options.place);
  }

  async changeTags(
    { name, arn }: { readonly name: string; readonly arn: string | undefined },
    change: (tags: readonly Tag[]) => readonly Tag[],
  ): Promise<void> {
    await this.#options.views.findTagged(name, arn);
    await this.#changed(name, { ...usualRules, waits: false }, (_table, resource) => {
      const { tags } = resource.spec;
      const changed = change(tagsOf(resource)).map(({ Key, Value }) => ({
        key: Key,
        value: Value,
      }));
      const after = changed.length === 0 ? undefined : changed;
      return this.#written(resource, { before: { tags }, after: { tags: after } });
    });
  }

  /** Resolves when a table that was created is ACTIVE, one that was deleted is gone, or after `msMax`. */
  async settled(tableName: string, msMax: number): Promise<void> {
    const { directory, scheduler } = this.#options;
    const table = directory.table(tableName);
    if (table === undefined) return;
    const isActive = ({ resource }: KnownTable) =>
      resource !== undefined && stateOf(resource) === 'ACTIVE';
    await directory.until(table.clusterId, isActive, pause(scheduler, msMax));
  }

  /**
   * Makes a change of a table, again when the resource has changed meanwhile.
   * @param change returns what the caller is answered; nothing, or false, when it is to be done again
   */
  #changed<T>(
    name: string,
    rules: ChangeRules,
    change: (table: KnownTable, resource: TableResource) => Promise<T | undefined>,
  ): Promise<T> {
    return this.#turns.run(name, async () => {
      for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
        const { table, resource } = await this.#steady(name, rules);
        const answer = await change(table, resource);
        if (answer !== undefined && answer !== false) return answer;
      }
      throw tableFaults.beingUpdated(name);
    });
  }

  /** The table and its resource as it is now, which nobody is at work on. @throws ClientFault */
  async #steady(name: string, rules: ChangeRules) {
    const { directory, scheduler } = this.#options;
    let current = await this.#current(name);
    if (stateOf(current.resource) === 'CREATING') throw rules.creating(name);
    if (rules.waits && !isObserved(current.resource)) {
      const isDone = ({ resource }: KnownTable) => resource === undefined || isObserved(resource);
      await directory.until(current.table.clusterId, isDone, pause(scheduler, CATCH_UP_MS));
      current = await this.#current(name);
      if (!isObserved(current.resource)) throw tableFaults.beingUpdated(name);
    }
    return current;
  }

  /** As the API server has it. @throws ClientFault */
  async #current(name: string) {
    const { source, views, writer } = this.#options;
    const known = await views.find(name);
    // What DNS alone knows is looked for.
    if (known.resource === undefined) await source.look(name);
    const table = known.resource === undefined ? await views.find(name) : known;
    const resource = table.resource && (await writer.read(table.resource));
    if (resource === undefined) {
      if (table.resource !== undefined) await source.reread(table.resource);
      throw tableFaults.notFound(name);
    }
    source.note(resource);
    if (stateOf(resource) === 'DELETING') throw tableFaults.beingDeleted(name);
    return { table, resource };
  }

  /** Returns whether it is written; not when the resource has changed meanwhile. */
  async #written(
    resource: TableResource,
    change: { readonly before: object; readonly after: object },
  ): Promise<boolean> {
    const written = await this.#options.writer.change(resource, change);
    if (written === undefined) return false;
    this.#options.source.note(written);
    return true;
  }

  async #created(spec: WrittenTableSpec): Promise<TableResource> {
    const { writer } = this.#options;
    const { tableName } = spec;
    const name = resourceNameOf(tableName);
    const hash = createHash('sha256').update(tableName).digest('hex');
    // A manifest may have given that name to another table.
    for (const each of [name, `${name.slice(0, 40)}-${hash.slice(0, 8)}`]) {
      const created = await writer.create(spec, each);
      if (created !== undefined) return created;
      await this.#checkNameIsFree(tableName);
    }
    throw resourceFaults.refused(name, ['metadata.name is taken']);
  }

  /** The answer that the table's own catalog would give. @throws ClientFault */
  async #rehearsed({ clusterId }: KnownTable, operation: string, body: object) {
    const cluster = this.#options.clusters.cluster(clusterId);
    if (cluster === undefined) throw transportFaults.internal(operatingTexts.unavailable);
    return parsed(await cluster.control(operation, body, { isDryRun: true }));
  }

  /** A table whose nodes do not answer can be deleted, too. */
  async #rehearsedDeletion(table: KnownTable, resource: TableResource): Promise<TableDescription> {
    const { place, scheduler } = this.#options;
    try {
      const answer = await this.#rehearsed(table, 'DeleteTable', { TableName: table.tableName });
      return descriptionOf(answer, resource);
    } catch (error) {
      if (!(error instanceof ClientFault && error.type === 'InternalServerError')) throw error;
      return describeDeletedResource(resource, { place, nowMs: scheduler.nowMs() });
    }
  }

  /** As the API server has it now. */
  async #checkNameIsFree(name: string): Promise<void> {
    const { directory, source, writer } = this.#options;
    for (const resource of await writer.find(name)) source.note(resource);
    const table = directory.table(name);
    if (table === undefined) return;
    const isCreating = table.resource !== undefined && stateOf(table.resource) === 'CREATING';
    throw isCreating ? tableFaults.beingCreated(name) : tableFaults.alreadyExists(name);
  }

  #checkQuotas(name: string, request: CreateTableRequest): void {
    const { directory } = this.#options;
    if (!directory.isComplete) throw transportFaults.internal(operatingTexts.noControlPlane);
    if (directory.count >= TABLES_COUNT_MAX) throw tableLimitFaults.tables(TABLES_COUNT_MAX);
    let busyCount = 0;
    for (const { resource } of directory.tables()) {
      if (resource !== undefined && stateOf(resource) !== 'ACTIVE') busyCount += 1;
    }
    if (busyCount >= CONCURRENT_OPERATIONS_COUNT_MAX) {
      throw tableLimitFaults.concurrentOperations(CONCURRENT_OPERATIONS_COUNT_MAX);
    }
    this.#checkUnits(name, { before: undefined, after: request });
  }

  #checkUnits(
    tableName: string,
    request: {
      readonly before: CreateTableRequest | undefined;
      readonly after: CreateTableRequest;
    },
  ): void {
    const { place } = this.#options;
    const declare = (each: CreateTableRequest) =>
      declaredTable(each, { place, tableName, createdAtMs: 0 });
    checkAccountUnits({
      region: place.region,
      before: request.before && declare(request.before),
      after: declare(request.after),
      all: this.#declaredTables(),
    });
  }

  *#declaredTables(): Iterable<TableDescriptor> {
    for (const { resource } of this.#options.directory.tables()) {
      try {
        if (resource !== undefined) yield descriptorOf(resource, this.#options.place);
      } catch (error) {
        // A manifest that the operator refuses has no units.
        if (!(error instanceof ClientFault)) throw error;
      }
    }
  }
}

function specOf(request: CreateTableRequest, tableName: string): WrittenTableSpec {
  return specOfCreateRequest({ ...request, TableName: tableName });
}

function descriptionOf(
  { TableDescription }: { readonly [member: string]: unknown },
  resource: TableResource,
): TableDescription {
  // As the API says.
  return { ...(TableDescription as TableDescription), ...identityMembers(resource) };
}
