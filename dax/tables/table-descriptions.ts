import NodeCache from 'node-cache';
import { ClientFault } from '../../dataplane/errors/client-fault.ts';
import type { KeyAttribute, KeySchema } from '../protocol/key-schema.ts';
import type { Eventually } from './eventually.ts';
import { TableCallError, type TableCalls } from './table-calls.ts';
import { tableInfoOf } from './table-info.ts';

/** What the cache has to know of a table. */
export interface TableInfo {
  readonly name: string;
  /** `TableId`: another one when a table is made anew under an old name. */
  readonly id: string;
  readonly arn: string;
  readonly key: KeySchema;
  readonly localIndexes: ReadonlyMap<string, KeySchema>;
  readonly globalIndexes: ReadonlyMap<string, IndexKeys>;
}

/** Key of a global index, which may have several attributes in each part. */
export interface IndexKeys {
  /** At least one. */
  readonly hash: readonly KeyAttribute[];
  readonly range: readonly KeyAttribute[];
}

/** One that is older is asked for again when it is used, without anybody's waiting for it. */
const REFRESH_MS = 10_000;
/** A table that was deleted and made anew unnoticed is taken for the old one for so long at most. */
const AGE_MS_MAX = 20_000;
/** What nobody uses is kept for so long, for when the tables are away. */
const TTL_SECONDS = 600;
/** More names than a cluster has tables; beyond it everything is asked for again. */
const NAMES_MAX = 10_000;

interface Known {
  readonly info: TableInfo;
  /** When the tables were asked for it, by `Date.now`. */
  readonly askedMs: number;
}

/**
 * Descriptions of tables, by name and by ARN: asked for again every few seconds while they are used. While the tables
 * do not answer, what is known stays.
 */
export class TableDescriptions {
  readonly #calls: TableCalls;
  readonly #known = new NodeCache({
    stdTTL: TTL_SECONDS,
    checkperiod: TTL_SECONDS,
    useClones: false,
  });
  readonly #flights = new Map<string, Promise<TableInfo>>();

  constructor(calls: TableCalls) {
    this.#calls = calls;
  }

  /**
   * The table of a name or of a full ARN. Many calls at once ask the tables once.
   * @throws ClientFault of the tables (ResourceNotFoundException, AccessDeniedException, ...), TableCallError
   */
  describe(nameOrArn: string): Eventually<TableInfo> {
    const known = this.#knownBy(nameOrArn);
    if (known === undefined) return this.#asked(nameOrArn);
    const ageMs = Date.now() - known.askedMs;
    if (ageMs >= AGE_MS_MAX) return this.#asked(nameOrArn);
    if (ageMs >= REFRESH_MS) this.#asked(nameOrArn).catch(() => undefined); // the next one asks again
    return known.info;
  }

  /** This very table is what is known by its name. */
  isCurrent({ id, name }: TableInfo): boolean {
    return this.#knownBy(name)?.info.id === id;
  }

  /** To be asked for again: the tables said that it is not there, or is another one. */
  forget(nameOrArn: string): void {
    const info = this.#knownBy(nameOrArn)?.info;
    const names = info === undefined ? [nameOrArn] : [nameOrArn, info.name, info.arn];
    this.#known.del(names.map(entryOf));
    for (const name of names) this.#flights.delete(name);
  }

  /** All of them are to be asked for again. */
  forgetAll(): void {
    this.#known.flushAll();
    this.#flights.clear();
  }

  close(): void {
    this.#known.close();
    this.#known.flushAll();
  }

  #knownBy(nameOrArn: string): Known | undefined {
    return this.#known.get<Known>(entryOf(nameOrArn));
  }

  #asked(nameOrArn: string): Promise<TableInfo> {
    const flight = this.#flights.get(nameOrArn);
    if (flight !== undefined) return flight;
    const begun: Promise<TableInfo> = this.#ask(
      nameOrArn,
      () => this.#flights.get(nameOrArn) === begun,
    );
    this.#flights.set(nameOrArn, begun);
    return begun;
  }

  /** @param isCurrent not if it was forgotten, or asked for anew, in between */
  async #ask(nameOrArn: string, isCurrent: () => boolean): Promise<TableInfo> {
    const askedMs = Date.now();
    try {
      const answer = await this.#calls.call('DescribeTable', { TableName: nameOrArn });
      const info = tableInfoOf(answer);
      if (isCurrent()) this.#keep(nameOrArn, { info, askedMs });
      return info;
    } catch (error) {
      const known = isCurrent() ? this.#knownBy(nameOrArn) : undefined;
      if (known === undefined) throw error;
      if (isAbsent(error)) this.forget(nameOrArn);
      if (!(error instanceof TableCallError)) throw error;
      this.#keep(nameOrArn, { info: known.info, askedMs });
      return known.info;
    } finally {
      if (isCurrent()) this.#flights.delete(nameOrArn);
    }
  }

  /** By all that it is asked for, so that no two of them show different tables. */
  #keep(nameOrArn: string, known: Known): void {
    if (this.#known.getStats().keys >= NAMES_MAX) this.#known.flushAll();
    const { name, arn } = known.info;
    for (const each of [nameOrArn, name, arn]) this.#known.set(entryOf(each), known);
  }
}

function isAbsent(error: unknown): boolean {
  return error instanceof ClientFault && error.type === 'ResourceNotFoundException';
}

/** node-cache keeps its entries in a plain object, where a table called `valueOf` would be found unasked. */
function entryOf(nameOrArn: string): string {
  return `table ${nameOrArn}`;
}
