import type { TableLayout } from '../partition/schema.ts';
import type { Store } from '../storage/store.ts';
import type { Table, TableThroughput } from './table.ts';

export class LocalRouter {
  readonly #store: Store;
  readonly #clock: { nowMs(): number };

  constructor(store: Store, clock: { nowMs(): number }) {
    this.#store = store;
    this.#clock = clock;
  }

  openTable(_layout: TableLayout, _throughput: TableThroughput): Promise<Table> {
    throw new Error(`not written yet ${this.#store} ${this.#clock}`);
  }

  dropPartitions(_ids: readonly bigint[]): Promise<void> {
    throw new Error('not written yet');
  }
}
