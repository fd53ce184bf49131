import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Item } from '../item/attribute-value.ts';
import { itemBytes } from '../item/size.ts';
import type { WriteCommand } from '../partition/command.ts';
import { globalIndex, localIndex, schemaOf } from '../partition/schema.fixture.ts';
import { idOf } from '../partition/transaction.fixture.ts';
import type { TransactionCommand } from '../partition/transaction.ts';
import { openStore } from '../storage/open.ts';
import type { Store } from '../storage/store.ts';
import { LocalRouter } from './local-router.ts';
import { layoutOf, scanAll, unlimited } from './local-table.fixture.ts';
import { mortalStore } from './mortal-store.fixture.ts';
import type { ManagedTable } from './table.ts';
import { recover, TwoPhases } from './two-phase.fixture.ts';

/**
 * Random histories of transactions in two rounds, of executions in one, and of single writes, with
 * coordinators that stop half-way, calls that come twice, and processes that are killed; against a
 * model that is one map of items and the marks on them. Seeds are printed by fast-check.
 */

const schema = schemaOf({
  localIndexes: [localIndex(1, 'n:N', { type: 'KEYS_ONLY' })],
  globalIndexes: [globalIndex(2, { hash: 'g:S', range: 'n:N' })],
});

const names = ['a', 'b', 'c', 'd', 'e'];
const keyOf = (name: string): Item => ({ p: { S: name }, s: { N: '1' } });
const itemOf = (name: string, n: number): Item => ({
  ...keyOf(name),
  n: { N: `${n}` },
  g: { S: n % 2 === 0 ? 'even' : 'odd' },
});

const put = (name: string, n: number): WriteCommand => {
  const item = itemOf(name, n);
  const key = keyOf(name);
  return { kind: 'put', key, item, itemBytes: itemBytes(item), condition: undefined };
};
const exists = (negated: boolean) => ({ kind: 'exists', path: ['p'], negated }) as const;

const arbitraryName = fc.constantFrom(...names);
const arbitraryWrite: fc.Arbitrary<WriteCommand> = fc.oneof(
  fc.tuple(arbitraryName, fc.nat(9)).map(([name, n]) => put(name, n)),
  fc.tuple(arbitraryName, fc.nat(9)).map(([name, n]) => ({
    ...put(name, n),
    condition: exists(true),
  })),
  arbitraryName.map(
    (name) => ({ kind: 'delete', key: keyOf(name), condition: undefined }) as const,
  ),
  arbitraryName.map((name): WriteCommand => {
    const n = { kind: 'add', path: ['n'], value: { N: '10' }, legacy: false } as const;
    const g = { kind: 'set', path: ['g'], term: { kind: 'value', value: { S: 'sum' } } } as const;
    return { kind: 'update', key: keyOf(name), condition: undefined, update: [n, g] };
  }),
);
const arbitraryCommand: fc.Arbitrary<TransactionCommand> = fc.oneof(
  { weight: 4, arbitrary: arbitraryWrite },
  {
    weight: 1,
    arbitrary: fc.tuple(arbitraryName, fc.boolean()).map(([name, negated]) => ({
      kind: 'check' as const,
      key: keyOf(name),
      condition: exists(negated),
    })),
  },
);
const arbitraryCommands = fc.uniqueArray(arbitraryCommand, {
  minLength: 1,
  maxLength: 3,
  selector: ({ key }) => JSON.stringify(key),
});

type Step =
  | { readonly kind: 'write'; readonly command: WriteCommand }
  | { readonly kind: 'begin' | 'execute'; readonly commands: readonly TransactionCommand[] }
  /** Of the transactions under way, the one at this place. */
  | { readonly kind: 'decide'; readonly which: number; readonly isCommit: boolean }
  | { readonly kind: 'finish'; readonly which: number; readonly participant: number }
  | { readonly kind: 'repeat'; readonly which: number }
  | { readonly kind: 'recover' | 'reopen' | 'kill' };

const which = fc.nat(9);
const arbitrarySteps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    {
      weight: 5,
      arbitrary: fc.record({ kind: fc.constant('write' as const), command: arbitraryWrite }),
    },
    {
      weight: 4,
      arbitrary: fc.record({ kind: fc.constant('begin' as const), commands: arbitraryCommands }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ kind: fc.constant('execute' as const), commands: arbitraryCommands }),
    },
    {
      weight: 3,
      arbitrary: fc.record({ kind: fc.constant('decide' as const), which, isCommit: fc.boolean() }),
    },
    {
      weight: 4,
      arbitrary: fc.record({ kind: fc.constant('finish' as const), which, participant: fc.nat(3) }),
    },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('repeat' as const), which }) },
    {
      weight: 1,
      arbitrary: fc.record({
        kind: fc.constantFrom('recover' as const, 'reopen' as const, 'kill' as const),
      }),
    },
  ),
  { minLength: 1, maxLength: 40 },
);

/** What is known of a transaction whose items are marked. */
interface Pending {
  readonly run: TwoPhases;
  readonly commands: readonly TransactionCommand[];
  /** Undefined until it is decided. */
  isCommitted: boolean | undefined;
  readonly left: Set<string>;
}

const nameOf = ({ p }: Item) => (p !== undefined && 'S' in p ? p.S : '');

class Model {
  readonly items = new Map<string, Item>();
  readonly marks = new Map<
    string,
    { readonly command: TransactionCommand; readonly of: Pending }
  >();

  accepts({ key, condition }: TransactionCommand): boolean {
    if (condition?.kind !== 'exists') return true;
    return condition.negated !== this.items.has(nameOf(key));
  }

  apply(command: TransactionCommand): void {
    const name = nameOf(command.key);
    const { n } = this.items.get(name) ?? {};
    const before = n !== undefined && 'N' in n ? Number(n.N) : 0;
    if (command.kind === 'put') this.items.set(name, command.item);
    if (command.kind === 'delete') this.items.delete(name);
    if (command.kind === 'update') {
      this.items.set(name, { ...keyOf(name), n: { N: `${before + 10}` }, g: { S: 'sum' } });
    }
  }

  /** A plain write: what comes of it. */
  write(command: WriteCommand): 'applied' | 'conditionFailed' | 'conflict' {
    if (this.marks.has(nameOf(command.key))) return 'conflict';
    if (!this.accepts(command)) return 'conditionFailed';
    this.apply(command);
    return 'applied';
  }

  areFree(commands: readonly TransactionCommand[]): boolean {
    return commands.every(
      (command) => !this.marks.has(nameOf(command.key)) && this.accepts(command),
    );
  }

  mark(of: Pending): void {
    for (const command of of.commands) {
      of.left.add(nameOf(command.key));
      this.marks.set(nameOf(command.key), { command, of });
    }
  }

  /** All marks of a transaction on these items; how many there were. */
  finish(of: Pending, finished: readonly string[]): number {
    let count = 0;
    for (const name of finished) {
      const mark = this.marks.get(name);
      if (mark?.of !== of) continue;
      this.marks.delete(name);
      if (of.isCommitted === true) this.apply(mark.command);
      count += 1;
    }
    return count;
  }
}

/** Plays a history on a table, step by step, and asks of each what the model says. */
class Play {
  readonly #store: Store;
  readonly #partitions: number;
  readonly #model = new Model();
  readonly #pending: Pending[] = [];
  readonly #clock = { nowMs: () => this.#nowMs };
  #nowMs = 1_790_000_000_000;
  #started = 0;
  #table: ManagedTable;
  #die: () => void;

  static async begin(partitions: number): Promise<Play> {
    const store = await openStore({ folder: undefined, durability: 'relaxed' });
    const mortal = mortalStore(store);
    const router = new LocalRouter(mortal.store, { nowMs: () => 1_790_000_000_000 });
    const table = await router.openTable(layoutOf(schema, partitions), unlimited);
    return new Play(store, partitions, { table, die: mortal.die });
  }

  private constructor(
    store: Store,
    partitions: number,
    opened: { readonly table: ManagedTable; readonly die: () => void },
  ) {
    this.#store = store;
    this.#partitions = partitions;
    this.#table = opened.table;
    this.#die = opened.die;
  }

  async step(step: Step): Promise<void> {
    // Sometimes backwards: order does not follow the clock.
    this.#nowMs += ((this.#started * 7) % 5) - 1;
    switch (step.kind) {
      case 'write':
        return this.#write(step.command);
      case 'begin':
        return this.#begin(step.commands);
      case 'execute':
        return this.#execute(step.commands);
      case 'decide':
        return this.#decide(step.which, step.isCommit);
      case 'finish':
        return this.#finish(step.which, step.participant);
      case 'repeat':
        return this.#repeat(step.which);
      case 'recover':
        return this.#recover();
      case 'reopen':
      case 'kill':
        return this.#reopen(step.kind === 'kill');
    }
  }

  async end(): Promise<void> {
    await this.#recover();
    expect(this.#model.marks.size).toBe(0);
    await this.#expectItems();
    await this.#table.indexesCaughtUp();
    const indexed = (await scanAll(this.#table, { indexName: 'G2' })).map(textOf).sort();
    expect(indexed).toEqual([...this.#model.items.values()].map(textOf).sort());
    const { items } = this.#model;
    expect(this.#table.statistics()).toMatchObject({
      items: items.size,
      bytes: [...items.values()].reduce((sum, item) => sum + itemBytes(item), 0),
    });
    await this.#table.close();
    await this.#store.close();
  }

  async #write(command: WriteCommand): Promise<void> {
    const expected = this.#model.write(command);
    if (expected === 'conflict') {
      await expect(this.#table.write(command)).rejects.toMatchObject({
        type: 'TransactionConflictException',
      });
    } else {
      expect((await this.#table.write(command)).kind).toBe(expected);
    }
  }

  async #begin(commands: readonly TransactionCommand[]): Promise<void> {
    const run = new TwoPhases(this.#table, `t${this.#started++}`, commands);
    const isFree = this.#model.areFree(commands);
    await run.claim(this.#table);
    expect(await run.prepare(this.#table)).toBe(isFree);
    if (!isFree) {
      expect(await run.decide(this.#table, false)).toBe(false);
      await run.finish(this.#table, false);
      return;
    }
    const pending = { run, commands, isCommitted: undefined, left: new Set<string>() };
    this.#model.mark(pending);
    this.#pending.push(pending);
  }

  async #execute(commands: readonly TransactionCommand[]): Promise<void> {
    const partitionIds = new Set(commands.map(({ key }) => this.#table.partitionOf(key)));
    const [partitionId = 0n, ...others] = partitionIds;
    if (others.length > 0) return;
    const isFree = this.#model.areFree(commands);
    const id = idOf(`e${this.#started++}`);
    const call = {
      kind: 'execute',
      id,
      digest: id,
      runId: id,
      commands,
      exhaustedIndexes: [],
    } as const;
    const answer = await this.#table.transact(partitionId, call);
    expect(answer.kind).toBe(isFree ? 'done' : 'refused');
    if (!isFree) return;
    for (const command of commands) this.#model.apply(command);
    const repeated = { ...call, runId: idOf('other') };
    expect(await this.#table.transact(partitionId, repeated)).toEqual({ kind: 'repeated' });
    expect(await this.#table.transact(partitionId, call)).toEqual(answer);
  }

  async #decide(at: number, isCommit: boolean): Promise<void> {
    const pending = this.#pending[at % Math.max(1, this.#pending.length)];
    if (pending === undefined) return;
    // The first decision stands.
    pending.isCommitted ??= isCommit;
    expect(await pending.run.decide(this.#table, isCommit)).toBe(pending.isCommitted);
  }

  async #finish(at: number, participantAt: number): Promise<void> {
    const pending = this.#pending[at % Math.max(1, this.#pending.length)];
    if (pending?.isCommitted === undefined) return;
    const { participants } = pending.run;
    const { partitionId = 0n } = participants[participantAt % participants.length] ?? {};
    const finished = this.#model.finish(pending, this.#namesAt(pending, partitionId));
    const { isCommitted } = pending;
    expect(await pending.run.finishAt(this.#table, partitionId, isCommitted)).toBe(finished);
  }

  /** A prepare that was under way all the time: what it marks goes as soon as somebody looks. */
  async #repeat(at: number): Promise<void> {
    const pending = this.#pending[at % Math.max(1, this.#pending.length)];
    if (pending === undefined) return;
    const { run } = pending;
    const isMarked = run.participants.every(({ partitionId }) => {
      const here = this.#namesAt(pending, partitionId);
      return here.every((name) => this.#model.marks.get(name)?.of === pending);
    });
    const { timestamp } = run;
    const isPrepared = await run.prepare(this.#table);
    if (isMarked) expect([isPrepared, run.timestamp]).toEqual([true, timestamp]);
    run.timestamp = timestamp;
    if (isMarked || pending.isCommitted === undefined) return;
    const finished = this.#model.finish(
      pending,
      pending.commands.map(({ key }) => nameOf(key)),
    );
    expect(finished).toBeGreaterThanOrEqual(0);
    await run.finish(this.#table, pending.isCommitted);
  }

  async #recover(): Promise<void> {
    let count = 0;
    for (const pending of this.#pending) {
      const isMarked = [...this.#model.marks.values()].some(({ of }) => of === pending);
      if (isMarked) pending.isCommitted ??= false;
      const all = pending.commands.map(({ key }) => nameOf(key));
      count += this.#model.finish(pending, all);
    }
    const ids = this.#table.partitions.map(({ id }) => id);
    expect(await recover(this.#table, ids)).toBe(count);
    await this.#expectItems();
  }

  async #reopen(isKilled: boolean): Promise<void> {
    if (isKilled) {
      this.#die();
      // What the dying process is asked to do leaves no trace.
      const run = new TwoPhases(
        this.#table,
        'lost',
        names.map((name) => put(name, 99)),
      );
      await Promise.allSettled([run.claim(this.#table), this.#table.write(put('a', 99))]);
      await Promise.allSettled([run.prepare(this.#table)]);
      for (const { run: pending } of this.#pending) {
        await Promise.allSettled([pending.finish(this.#table, true)]);
      }
    }
    await this.#table.close();
    const mortal = mortalStore(this.#store);
    const router = new LocalRouter(mortal.store, this.#clock);
    this.#table = await router.openTable(layoutOf(schema, this.#partitions), unlimited);
    this.#die = mortal.die;
  }

  #namesAt({ commands }: Pending, partitionId: bigint): string[] {
    return commands
      .filter(({ key }) => this.#table.partitionOf(key) === partitionId)
      .map(({ key }) => nameOf(key));
  }

  /** As scans see them, and as transactions read them. */
  async #expectItems(): Promise<void> {
    const { items } = this.#model;
    const scanned = (await scanAll(this.#table)).map(textOf).sort();
    expect(scanned).toEqual([...items.values()].map(textOf).sort());
    for (const name of names) {
      const call = { kind: 'read', keys: [keyOf(name)] } as const;
      const [read] = (await this.#table.transact(this.#table.partitionOf(keyOf(name)), call)).items;
      const json = read?.kind === 'item' ? read.json : undefined;
      const expected = items.get(name);
      const item = json && JSON.parse(Buffer.from(json).toString());
      expect(item && textOf(item)).toBe(expected && textOf(expected));
    }
  }
}

function textOf(item: Item): string {
  return JSON.stringify(Object.entries(item).sort(([a], [b]) => (a < b ? -1 : 1)));
}

describe('transactions on a table with indexes', () => {
  it('agree with a naive model, also across restarts and crashes', async () => {
    await fc.assert(
      fc.asyncProperty(arbitrarySteps, fc.constantFrom(1, 4), async (steps, partitions) => {
        const play = await Play.begin(partitions);
        for (const step of steps) await play.step(step);
        await play.end();
      }),
      { numRuns: 150 },
    );
  }, 180_000);
});
