import NodeCache from 'node-cache';
import type { KeyAttribute, KeySchema } from '../protocol/key-schema.ts';
import type { Eventually } from './eventually.ts';
import type { TableCalls } from './table-calls.ts';
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

/** Clients keep key schemas as long (dax-protocol.md section 6.1). */
const TTL_SECONDS = 60;
/** More names than a cluster has tables; beyond it everything is asked for again. */
const NAMES_MAX = 10_000;

/** Descriptions of tables, kept for a minute by name and by ARN. */
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
    const known = this.#known.get<TableInfo>(entryOf(nameOrArn));
    if (known !== undefined) return known;
    const flight = this.#flights.get(nameOrArn);
    if (flight !== undefined) return flight;
    const begun: Promise<TableInfo> = this.#ask(
      nameOrArn,
      () => this.#flights.get(nameOrArn) === begun,
    );
    this.#flights.set(nameOrArn, begun);
    return begun;
  }

  /** To be asked for again: the tables said that it is not there, or is another one. */
  forget(nameOrArn: string): void {
    const known = this.#known.get<TableInfo>(entryOf(nameOrArn));
    const names = known === undefined ? [nameOrArn] : [nameOrArn, known.name, known.arn];
    this.#known.del(names.map(entryOf));
    this.#flights.delete(nameOrArn);
  }

  close(): void {
    this.#known.close();
    this.#known.flushAll();
  }

  /** @param isCurrent not if it was forgotten, or asked for anew, in between */
  async #ask(nameOrArn: string, isCurrent: () => boolean): Promise<TableInfo> {
    try {
      const answer = await this.#calls.call('DescribeTable', { TableName: nameOrArn });
      const info = tableInfoOf(answer);
      if (isCurrent()) this.#keep(nameOrArn, info);
      return info;
    } finally {
      if (isCurrent()) this.#flights.delete(nameOrArn);
    }
  }

  #keep(nameOrArn: string, info: TableInfo): void {
    if (this.#known.getStats().keys >= NAMES_MAX) this.#known.flushAll();
    this.#known.set(entryOf(nameOrArn), info);
    this.#known.set(entryOf(info.name), info);
  }
}

/** node-cache keeps its entries in a plain object, where a table called `valueOf` would be found unasked. */
function entryOf(nameOrArn: string): string {
  return `table ${nameOrArn}`;
}
