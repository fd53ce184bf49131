import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ClientFault } from '../errors/client-fault.ts';
import { mulberry32 } from '../node/mulberry32.fixture.ts';
import type { TransactionCall } from '../partition/transaction.ts';
import { modelCoordinator, requestOf } from './coordinator.fixture.ts';
import { type CallFate, checkOf, keyOf, ModelTable, putOf } from './model-table.fixture.ts';
import { VirtualTime } from './virtual-time.fixture.ts';

/** When everything that can go wrong stops to do so, and long after it. */
const HEALED_MS = 30_000;
const OVER_MS = 90_000;
const TRANSACTIONS_COUNT = 10;
const ITEMS_COUNT = 4;
const REPEATS_MAX = 5;

type Ending = 'done' | 'not done' | 'unknown';

/**
 * One history: clients that repeat what they do not know the fate of, coordinators that die in the
 * middle, calls that are lost, late, or done twice.
 */
class History {
  readonly time = new VirtualTime();
  readonly random: () => number;
  readonly tables: readonly ModelTable[];
  /** By transaction: what its client knows in the end. */
  readonly endings = new Map<string, Ending>();
  /** By transaction: how many items it puts. */
  readonly sizes = new Map<string, number>();

  constructor(seed: number) {
    this.random = mulberry32(seed);
    const executeMax = this.random() < 0.5 ? 2 : Number.POSITIVE_INFINITY;
    const scheduler = this.time;
    this.tables = [
      new ModelTable({ tableName: 'A', partitionsCount: 3, scheduler, executeMax }),
      new ModelTable({ tableName: 'B', partitionsCount: 1, scheduler, executeMax }),
    ];
    const troubles = this.random();
    for (const table of this.tables) table.fateOf = (call) => this.#fate(call, troubles);
  }

  async run(): Promise<void> {
    const { time, tables, random } = this;
    const start = time.monotonicMs();
    const mortals = [1, 2].map(() => {
      const diesAtMs = random() < 0.7 ? start + random() * 20_000 : Number.POSITIVE_INFINITY;
      const isDead = () => time.monotonicMs() >= diesAtMs;
      return modelCoordinator({ tables, time, random, isDead });
    });
    const immortal = modelCoordinator({ tables, time, random });
    const all = [...mortals, immortal];
    for (const { coordinator } of all) coordinator.recovery.start();
    for (let index = 0; index < TRANSACTIONS_COUNT; index++) void this.#client(index, all);
    await time.advance(OVER_MS);
    for (const { coordinator } of all) void coordinator.close();
  }

  async #client(index: number, all: readonly ReturnType<typeof modelCoordinator>[]): Promise<void> {
    const { time, random } = this;
    const name = `t${index}`;
    const commands = this.#commands(name);
    const token = random() < 0.6 ? name : undefined;
    await this.#pause(random() * 8_000);
    let wasUnknown = false;
    for (let repeats = 0; repeats < REPEATS_MAX; repeats++) {
      const { coordinator, view } = all[Math.floor(random() * all.length)] ?? all[0] ?? fail();
      const actions = commands.map(([table, command]) => [view(table), command] as const);
      const late = this.#pause(12_000).then(() => 'unknown' as const);
      const ending = await Promise.race([
        late,
        coordinator.write(requestOf(actions, token)).then(
          ({ kind }): Ending => (kind === 'cancelled' ? 'not done' : 'done'),
          (error: unknown): Ending => {
            if (error instanceof ClientFault) return 'unknown';
            throw error;
          },
        ),
      ]);
      wasUnknown ||= ending === 'unknown';
      const isKnown = ending === 'done' || !wasUnknown;
      this.endings.set(name, isKnown ? ending : 'unknown');
      if (ending !== 'unknown' || token === undefined) return;
      await this.#pause(500 + random() * 3_000);
      if (time.monotonicMs() > OVER_MS) return;
    }
  }

  /** Puts of different items, and sometimes a look at one more. */
  #commands(name: string) {
    const { random } = this;
    const places = this.tables.flatMap((table) =>
      Array.from({ length: ITEMS_COUNT }, (_, index) => ({ table, index, by: random() })),
    );
    places.sort((a, b) => a.by - b.by);
    const count = 1 + Math.floor(random() * 4);
    const puts = places
      .slice(0, count)
      .map(({ table, index }) => [table, putOf(index, { by: { S: name } })] as const);
    this.sizes.set(name, count);
    const [, , , , checked] = places;
    if (checked === undefined || random() < 0.7) return puts;
    return [...puts, [checked.table, checkOf(checked.index, random() < 0.5)] as const];
  }

  #fate(call: TransactionCall, troubles: number): CallFate | undefined {
    const { random } = this;
    const delayMs = random() * 30;
    if (this.time.monotonicMs() > HEALED_MS) return undefined;
    const dice = random();
    if (dice < 0.1 * troubles) return { doneAfterMs: [], answeredAfterMs: undefined };
    if (dice < 0.2 * troubles) return { doneAfterMs: [delayMs], answeredAfterMs: undefined };
    // Stuck on its way, as long as the transport lets a call be.
    const lateMs = random() * (call.kind === 'execute' ? 3_000 : 20_000);
    if (dice < 0.3 * troubles) return { doneAfterMs: [lateMs], answeredAfterMs: undefined };
    if (dice < 0.4 * troubles)
      return { doneAfterMs: [delayMs, lateMs], answeredAfterMs: delayMs * 2 };
    return { doneAfterMs: [delayMs], answeredAfterMs: delayMs * 2 };
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => this.time.after(ms, resolve));
  }
}

function fail(): never {
  throw new Error('there is a coordinator');
}

/** How often each transaction's puts were applied: by item. */
function applications(history: History): Map<string, number[]> {
  const counts = new Map<string, Map<string, number>>();
  for (const table of history.tables) {
    for (const model of table.models) {
      for (const item of model.applied) {
        const { by, ...key } = item as { by: { S: string } };
        const ofItems = counts.get(by.S) ?? new Map<string, number>();
        const place = `${table.schema.tableName} ${JSON.stringify(key)}`;
        ofItems.set(place, (ofItems.get(place) ?? 0) + 1);
        counts.set(by.S, ofItems);
      }
    }
  }
  return new Map(Array.from(counts, ([name, ofItems]) => [name, [...ofItems.values()]]));
}

describe('whatever is lost, late, or done twice, and whoever dies', () => {
  it('a transaction is done once, and as a whole, or not at all', async () => {
    const counts = { done: 0, 'not done': 0, unknown: 0 };
    await fc.assert(
      fc.asyncProperty(fc.integer(), async (seed) => {
        const history = new History(seed);
        await history.time.until(history.run());
        const applied = applications(history);
        for (const [name, size] of history.sizes) {
          const times = applied.get(name) ?? [];
          const isWhole = times.length === size && times.every((count) => count === 1);
          expect({ name, times, is: isWhole || times.length === 0 }).toMatchObject({ is: true });
          const ending = history.endings.get(name) ?? 'unknown';
          counts[ending] += 1;
          if (ending === 'done')
            expect({ name, times: times.length }).toEqual({ name, times: size });
          if (ending === 'not done') expect({ name, times }).toEqual({ name, times: [] });
        }
        for (const table of history.tables) {
          for (const model of table.models) expect(model.marksCount).toBe(0);
        }
      }),
      { numRuns: 60 },
    );
    expect(Math.min(counts.done, counts['not done'], counts.unknown)).toBeGreaterThan(0);
  }, 60_000);
});

describe('a record of a commit', () => {
  it('is let go of when it is due, once all participants have finished', async () => {
    const time = new VirtualTime();
    const tables = [new ModelTable({ tableName: 'A', partitionsCount: 2, scheduler: time })];
    const [table = fail()] = tables;
    const { coordinator, view } = modelCoordinator({ tables, time, random: mulberry32(1) });
    // What tells the ledger that all have finished is lost.
    table.fateOf = (call) =>
      call.kind === 'decide' &&
      call.outcome.kind === 'commit' &&
      call.outcome.participants.length === 0 &&
      time.monotonicMs() < 60_000
        ? { doneAfterMs: [], answeredAfterMs: undefined }
        : undefined;
    const puts = [0, 1].map((index) => [view(table), putOf(index)] as const);
    const { kind } = await time.until(coordinator.write(requestOf(puts, 'token')));
    expect(kind).toBe('committed');
    await time.advance(60_000);
    const unfinished = () =>
      [...table.models].reduce((sum, { unfinishedCount }) => sum + unfinishedCount, 0);
    expect(unfinished()).toBe(1);
    await time.advance(21 * 60_000);
    await time.until(coordinator.recovery.sweep());
    expect(unfinished()).toBe(0);
    expect(
      [...table.models].map((model) => model.item(keyOf(0)) ?? model.item(keyOf(1))),
    ).toHaveLength(2);
  });
});
