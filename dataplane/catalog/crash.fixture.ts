import { expect } from 'vitest';
import type { Store } from '../storage/store.ts';
import type { Catalog } from './catalog.ts';
import {
  type Installation,
  memoryStore,
  openInstallation,
  testClock,
  until,
} from './installation.fixture.ts';

/**
 * Kill at any point: each scenario runs again and again, and the process "dies" before its n-th
 * commit, for every n: from then on nothing becomes durable and nobody gets an answer. Then a new
 * catalog is opened on what was durable, and must come to rest by itself.
 */
export interface CrashScenario {
  readonly name: string;
  readonly prepare: (catalog: Catalog) => Promise<void>;
  /** Waits with `wait`, which ends when the process dies. */
  readonly run: (catalog: Catalog, wait: typeof until) => Promise<void>;
  /** Asserts what must hold at rest, whether or not the change was accepted before the crash. */
  readonly check: (catalog: Catalog) => Promise<void>;
}

/** @param checkStore asserts what must hold of the store after each restart */
export async function crashAtEveryCommit(
  scenario: CrashScenario,
  checkStore: (installation: Installation) => Promise<void>,
): Promise<void> {
  for (let commitsCount = 0; ; commitsCount++) {
    const disk = await memoryStore();
    const clock = testClock();
    const prepared = await openInstallation({ store: disk, clock });
    await scenario.prepare(prepared.catalog);
    await prepared.catalog.close();

    const { store, isDead, died } = dyingBefore(disk, commitsCount);
    const dying = await openInstallation({ store, clock });
    const wait = (isReached: () => boolean) => until(() => isDead() || isReached());
    const run = scenario.run(dying.catalog, wait).catch((error: unknown) => {
      if (!isDead()) throw error; // What a dying process sees does not matter.
    });
    // Closing waits for work in the background, which may die too.
    await Promise.race([died, run.then(() => dying.catalog.close())]);

    const restarted = await openInstallation({ store: disk, clock });
    await scenario.check(restarted.catalog);
    await checkStore(restarted);
    await restarted.catalog.close();
    if (!isDead()) break;
    expect(commitsCount, 'the scenario ends').toBeLessThan(300);
  }
}

/** A store whose process dies before a commit: it and all later ones never end. */
function dyingBefore(
  store: Store,
  commitsCount: number,
): { store: Store; isDead: () => boolean; died: Promise<void> } {
  let left = commitsCount;
  let isDead = false;
  const death = Promise.withResolvers<void>();
  const guarded = <T>(work: () => Promise<T>): Promise<T> => {
    if (left <= 0) {
      isDead = true;
      death.resolve();
    }
    left -= 1;
    return isDead ? new Promise<T>(() => {}) : work();
  };
  const dying: Store = {
    get: (key) => store.get(key),
    commit: (effects) => guarded(() => store.commit(effects)),
    iterate: (range) => store.iterate(range),
    snapshot: () => store.snapshot(),
    clear: (start, end) => guarded(() => store.clear(start, end)),
    approximateBytes: (start, end) => store.approximateBytes(start, end),
    get writesRefused() {
      return store.writesRefused;
    },
    onReopened: (recover) => store.onReopened(recover),
    close: () => store.close(),
  };
  return { store: dying, isDead: () => isDead, died: death.promise };
}

/** Partition ids that have keys in the store, besides the catalog's own. */
export async function usedPartitions(store: Store): Promise<ReadonlySet<bigint>> {
  const start = Buffer.alloc(8);
  start[7] = 1;
  const iterator = store.iterate({
    start,
    end: Buffer.alloc(9, 0xff),
    reverse: false,
    limit: undefined,
  });
  const ids = new Set<bigint>();
  for (;;) {
    const pairs = await iterator.next(1000);
    if (pairs.length === 0) break;
    for (const [key] of pairs) ids.add(key.readBigUInt64BE(0));
  }
  await iterator.close();
  return ids;
}
