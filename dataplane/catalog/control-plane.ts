import type { Eventually } from '../routing/table.ts';
import type { TableDescription } from './description.ts';
import type { Tag, TimeToLiveSetting } from './descriptor.ts';
import type { CreateTableRequest, UpdateTableRequest } from './table-request.ts';
import type { TagInput } from './tag-rules.ts';
import type { TimeToLiveSpecification } from './time-to-live-rules.ts';

/** A page of ListTables. */
export interface TableNamesPage {
  readonly names: readonly string[];
  /** Set when there are more. */
  readonly lastName: string | undefined;
}

/**
 * The operations on the tables of an account, as `api/` calls them with checked requests: over the
 * catalog of a data folder or cluster, or over the Table resources of a namespace.
 *
 * All throw ClientFault for what the caller did wrong, and then nothing has changed.
 */
export interface ControlPlane {
  createTable(request: CreateTableRequest): Promise<TableDescription>;
  /** Resolves when what was asked of a table is done as far as it takes no long work, or after `msMax`. */
  settled(name: string, msMax: number): Promise<void>;
  describeTable(nameOrArn: string): Eventually<TableDescription>;
  updateTable(request: UpdateTableRequest): Promise<TableDescription>;
  deleteTable(nameOrArn: string): Promise<TableDescription>;
  /** Names in byte order, after `startName`. */
  listTables(startName: string | undefined, limit?: number): Eventually<TableNamesPage>;
  updateTimeToLive(nameOrArn: string, wanted: TimeToLiveSpecification): Promise<void>;
  describeTimeToLive(
    nameOrArn: string,
  ): Eventually<Pick<TimeToLiveSetting, 'status' | 'attribute'>>;
  tagResource(arn: string | undefined, tags: readonly TagInput[]): Promise<void>;
  untagResource(arn: string | undefined, keys: readonly string[]): Promise<void>;
  tagsOfResource(arn: string | undefined): Eventually<readonly Tag[]>;
}

/**
 * The page of ListTables that begins after `startName`.
 * @param names of all tables, in any order
 */
export function tableNamesPage(
  names: Iterable<string>,
  startName: string | undefined,
  limit: number,
): TableNamesPage {
  const left = [...names].filter((name) => startName === undefined || name > startName).sort();
  const page = left.slice(0, limit);
  return { names: page, lastName: left.length > page.length ? page.at(-1) : undefined };
}
