import { type Place, tableNameOf, taggedTableName } from '../catalog/arn.ts';
import type { ControlPlane } from '../catalog/control-plane.ts';
import type { TableDescription } from '../catalog/description.ts';
import type { Tag } from '../catalog/descriptor.ts';
import { ClientFault } from '../errors/client-fault.ts';
import { arnFaults, tableFaults, timeToLiveFaults } from '../errors/tables.ts';
import { operatingTexts, transportFaults } from '../errors/transport.ts';
import type { TableResource } from '../kubernetes/table-resource.ts';
import { pause, type Scheduler } from '../replication/scheduler.ts';
import { describeResource, identityMembers, isObserved, stateOf } from './resource-description.ts';
import type { ResourceSource } from './resource-source.ts';
import type { TableClusters } from './table-clusters.ts';
import type { KnownTable, TableDirectory } from './table-directory.ts';

/** The table's own catalog is waited for so long; then what the resource says is shown. */
const CATALOG_PATIENCE_MS = 3_000;

export interface TableViewsOptions {
  readonly directory: TableDirectory;
  readonly clusters: Pick<TableClusters, 'cluster'>;
  readonly source: Pick<ResourceSource, 'look'>;
  readonly place: Place;
  readonly scheduler: Scheduler;
}

type TimeToLive = Awaited<ReturnType<ControlPlane['describeTimeToLive']>>;

/**
 * What clients are shown of tables: by the table's own catalog where it answers, else by the resource.
 * A change that the operator has not carried out yet is shown as under way.
 */
export class TableViews {
  readonly #options: TableViewsOptions;

  constructor(options: TableViewsOptions) {
    this.#options = options;
  }

  /** @throws ClientFault ResourceNotFoundException; InternalServerError when that is not certain */
  async find(tableName: string): Promise<KnownTable> {
    const { directory, source } = this.#options;
    const known = directory.table(tableName);
    if (known !== undefined) return known;
    await source.look(tableName);
    const found = directory.table(tableName);
    if (found === undefined) throw tableFaults.notFound(tableName);
    return found;
  }

  /** @throws ClientFault InternalServerError before anything is known */
  names(): readonly string[] {
    const { directory } = this.#options;
    const names = Array.from(directory.tables(), ({ tableName }) => tableName);
    if (names.length === 0 && !directory.isComplete) {
      throw transportFaults.internal(operatingTexts.noControlPlane);
    }
    return names;
  }

  async describe(nameOrArn: string): Promise<TableDescription> {
    const { place, scheduler } = this.#options;
    const table = await this.find(tableNameOf(nameOrArn, place));
    const { resource, clusterId } = table;
    if (resource === undefined) {
      const description = tableOf(await this.#asked(table, 'DescribeTable'));
      return { ...description, TableId: clusterId };
    }
    const state = stateOf(resource);
    const isServing = state === 'ACTIVE' || state === 'UPDATING';
    const answer = isServing ? await this.#tried(table, 'DescribeTable') : undefined;
    if (answer === undefined)
      return describeResource(resource, { place, nowMs: scheduler.nowMs() });
    const description = tableOf(answer);
    return {
      ...description,
      ...identityMembers(resource),
      TableStatus: shownStatus(description.TableStatus, resource),
    };
  }

  async describeTimeToLive(nameOrArn: string): Promise<TimeToLive> {
    const table = await this.find(tableNameOf(nameOrArn, this.#options.place));
    const { resource } = table;
    if (resource === undefined) return settingOf(await this.#asked(table, 'DescribeTimeToLive'));
    const state = stateOf(resource);
    if (state === 'CREATING' || state === 'DELETING') throw timeToLiveFaults.notReadable(state);
    const answer = await this.#tried(table, 'DescribeTimeToLive');
    const { enabled = false, attributeName } = resource.spec.timeToLive ?? {};
    const wanted: TimeToLive = enabled
      ? { status: 'ENABLED', attribute: attributeName }
      : { status: 'DISABLED', attribute: undefined };
    if (answer === undefined) return wanted;
    const setting = settingOf(answer);
    if (isObserved(resource)) return setting;
    if (enabled && setting.status === 'DISABLED') return { ...wanted, status: 'ENABLING' };
    if (!enabled && setting.status === 'ENABLED') return { ...setting, status: 'DISABLING' };
    return setting;
  }

  /** Of the resource: what a client has just set is there at once. */
  async tags(arn: string | undefined): Promise<readonly Tag[]> {
    const tableName = taggedTableName(arn, this.#options.place);
    const table = await this.findTagged(tableName, arn);
    if (table.resource !== undefined) return tagsOf(table.resource);
    const body = { ResourceArn: arn };
    const { Tags } = parsed(await this.#control(table, 'ListTagsOfResource', body));
    return Tags as readonly Tag[]; // As the API says.
  }

  /** As `find`, with the words of the operations on tags. */
  async findTagged(tableName: string, arn: string | undefined): Promise<KnownTable> {
    try {
      return await this.find(tableName);
    } catch (error) {
      const isAbsent = error instanceof ClientFault && error.type === 'ResourceNotFoundException';
      throw isAbsent ? arnFaults.notFound(arn ?? '') : error;
    }
  }

  /** @throws ClientFault */
  #asked(table: KnownTable, operation: string): Promise<Uint8Array> {
    return this.#control(table, operation, { TableName: table.tableName });
  }

  /** Undefined when the catalog has no answer, or none in time. */
  async #tried(table: KnownTable, operation: string): Promise<Uint8Array | undefined> {
    const { scheduler } = this.#options;
    const answer = this.#asked(table, operation).catch((error: unknown) => {
      // The operator creates the table in its catalog, and takes it from there, when it gets to it.
      if (error instanceof ClientFault) return undefined;
      throw error;
    });
    const answered = new AbortController();
    const late = pause(scheduler, CATALOG_PATIENCE_MS, answered.signal).then(() => undefined);
    try {
      return await Promise.race([answer, late]);
    } finally {
      answered.abort();
    }
  }

  #control({ clusterId }: KnownTable, operation: string, body: object): Promise<Uint8Array> {
    const cluster = this.#options.clusters.cluster(clusterId);
    if (cluster === undefined) {
      return Promise.reject(transportFaults.internal(operatingTexts.unavailable));
    }
    return cluster.control(operation, body, { isDryRun: false });
  }
}

/** As the operations on tags show them. */
export function tagsOf({ spec }: TableResource): readonly Tag[] {
  return (spec.tags ?? []).map(({ key, value }) => ({ Key: key, Value: value }));
}

/** The answer of an operation. Nodes of the cluster answer as the API says. */
export function parsed(answer: Uint8Array): { readonly [member: string]: unknown } {
  return JSON.parse(Buffer.from(answer).toString('utf8'));
}

/** A spec that the operator has not looked at is a change under way. */
function shownStatus(inCatalog: unknown, resource: TableResource): unknown {
  return inCatalog === 'ACTIVE' && !isObserved(resource) ? 'UPDATING' : inCatalog;
}

function tableOf(answer: Uint8Array): TableDescription {
  return parsed(answer).Table as TableDescription; // As the API says.
}

function settingOf(answer: Uint8Array): TimeToLive {
  const { TimeToLiveDescription } = parsed(answer);
  const { TimeToLiveStatus, AttributeName } = TimeToLiveDescription as {
    readonly TimeToLiveStatus: TimeToLive['status'];
    readonly AttributeName?: string;
  }; // As the API says.
  return { status: TimeToLiveStatus, attribute: AttributeName };
}
