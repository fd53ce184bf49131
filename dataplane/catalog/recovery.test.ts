import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Effect, type Store, StoreError } from '../storage/store.ts';
import {
  type Installation,
  itemsOf,
  memoryStore,
  openInstallation,
  put,
  simpleTable,
  untilActive,
  untilGone,
} from './installation.fixture.ts';

/** A store that is told to fail, with what it was given on disk all the same or not. */
class FailingStore {
  readonly #inner: Store;
  readonly #recoveries: (() => Promise<void>)[] = [];
  #failure: 'landed' | 'lost' | undefined;
  writesRefused: StoreError | undefined;
  /** The interface for its users. */
  readonly store: Store;

  constructor(inner: Store) {
    this.#inner = inner;
    const commit = (effects: readonly Effect[]) => this.#commit(effects);
    const onReopened = (recover: () => Promise<void>) => this.#recoveries.push(recover);
    this.store = new Proxy(inner, {
      get: (target, name) => {
        if (name === 'commit') return commit;
        if (name === 'onReopened') return onReopened;
        if (name === 'writesRefused') return this.writesRefused;
        const value: unknown = Reflect.get(target, name, target);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
  }

  failNext(failure: 'landed' | 'lost'): void {
    this.#failure = failure;
  }

  async reopen(): Promise<void> {
    for (const recover of this.#recoveries) await recover();
    this.writesRefused = undefined;
  }

  async #commit(effects: readonly Effect[]): Promise<void> {
    if (this.writesRefused !== undefined) throw this.writesRefused;
    if (this.#failure === undefined) return this.#inner.commit(effects);
    this.writesRefused = new StoreError('io', 'The disk failed.');
    if (this.#failure === 'landed') await this.#inner.commit(effects);
    this.#failure = undefined;
    throw this.writesRefused;
  }
}

describe('after a change whose write failed, once the store is opened anew', () => {
  let failing: FailingStore;
  let installation: Installation;

  beforeEach(async () => {
    failing = new FailingStore(await memoryStore());
    installation = await openInstallation({ store: failing.store });
    await installation.catalog.createTable(simpleTable('Music'));
    await untilActive(installation.catalog, 'Music');
    await put(installation.catalog.openTable('Music'), { pk: { S: 'a' }, g: { S: 'x' } });
  });
  afterEach(() => installation.close());

  async function changeThatFails(failure: 'landed' | 'lost', change: () => Promise<unknown>) {
    failing.failNext(failure);
    await expect(change()).rejects.toMatchObject({ code: 'io' });
    await failing.reopen();
  }

  it('a deletion that is on disk goes on, so that no later write is lost with it', async () => {
    const { catalog } = installation;
    await changeThatFails('landed', () => catalog.deleteTable('Music'));
    expect(() => catalog.openTable('Music')).toThrow('Requested resource not found');
    await untilGone(catalog, 'Music');
  });

  it('a deletion that was lost never was', async () => {
    const { catalog, store } = installation;
    await changeThatFails('lost', () => catalog.deleteTable('Music'));
    await put(catalog.openTable('Music'), { pk: { S: 'b' } });
    await catalog.close();
    const again = await openInstallation({ store });
    expect(await itemsOf(again.catalog.openTable('Music'))).toHaveLength(2);
    await again.catalog.close();
  });

  it('a table that is on disk is there', async () => {
    const { catalog } = installation;
    await changeThatFails('landed', () => catalog.createTable(simpleTable('Films')));
    await untilActive(catalog, 'Films');
    await put(catalog.openTable('Films'), { pk: { S: 'a' } });
  });

  it('an index that is on disk is built', async () => {
    const { catalog } = installation;
    await changeThatFails('landed', () =>
      catalog.updateTable({
        TableName: 'Music',
        AttributeDefinitions: [{ AttributeName: 'g', AttributeType: 'S' }],
        GlobalSecondaryIndexUpdates: [
          {
            Create: {
              IndexName: 'by-g',
              KeySchema: [{ AttributeName: 'g', KeyType: 'HASH' }],
              Projection: { ProjectionType: 'ALL' },
            },
          },
        ],
      }),
    );
    await untilActive(catalog, 'Music');
    expect(await itemsOf(catalog.openTable('Music'), 'by-g')).toHaveLength(1);
  });

  it.each(['landed', 'lost'] as const)('a stream that was to be enabled: %s', async (failure) => {
    const { catalog } = installation;
    await changeThatFails(failure, () =>
      catalog.updateTable({
        TableName: 'Music',
        StreamSpecification: { StreamEnabled: true, StreamViewType: 'KEYS_ONLY' },
      }),
    );
    await untilActive(catalog, 'Music');
    const statuses = catalog.streams.list('Music').map(({ status }) => status);
    expect(statuses).toEqual(failure === 'landed' ? ['ENABLED'] : []);
    await put(catalog.openTable('Music'), { pk: { S: 'b' } });
  });

  it('a deletion that is on disk leaves the stream', async () => {
    const { catalog } = installation;
    const StreamSpecification = { StreamEnabled: true, StreamViewType: 'KEYS_ONLY' };
    await catalog.createTable(simpleTable('Films', { StreamSpecification }));
    await untilActive(catalog, 'Films');
    await changeThatFails('landed', () => catalog.deleteTable('Films'));
    await untilGone(catalog, 'Films');
    expect(catalog.streams.list('Films')).toMatchObject([{ status: 'DISABLED' }]);
  });

  it('a time to live that is on disk holds', async () => {
    const { catalog } = installation;
    const wanted = { Enabled: true, AttributeName: 'ttl' };
    await changeThatFails('landed', () => catalog.updateTimeToLive('Music', wanted));
    expect(catalog.openTable('Music').schema.timeToLiveAttribute).toBe('ttl');
  });
});
