import { pause } from '../replication/scheduler.ts';
import type { RouterApp } from './cluster-program.ts';
import type { SimRandom } from './random.ts';
import type { SimEnvironment } from './sim-machine.ts';
import {
  type PlannedWrite,
  TransactionCalls,
  type TransactionClient,
} from './transaction-calls.ts';
import type { ItemEffect, TransactionHistory } from './transaction-history.ts';
import {
  BALANCE_AT_FIRST,
  balanceCondition,
  balanceOf,
  existsCondition,
  type ItemChange,
  type TransactionItem,
  transactionItems,
  versionCondition,
} from './transaction-items.ts';

export interface TransactionWorkloadOptions {
  /** Clients of each router; 0: there are no transactions at all. */
  readonly clientsCount: number;
  readonly accountsCount: number;
  readonly documentsCount: number;
  /** Between an answer and the next call of a client, on average. */
  readonly gapMs: number;
  /** Bytes that puts are padded with, at most; most of them are not. */
  readonly paddingMax: number;
  readonly mix: Readonly<Record<Deed, number>>;
}

/** What a client does next. */
export type Deed =
  /** Moves money between accounts. */
  | 'transfer'
  /** Reads all accounts, or some items, as they are at one moment. */
  | 'snapshot'
  /** Puts, deletes, appends and checks of several documents, most of them blind. */
  | 'mixed'
  /** Reads documents and writes them anew if they are still the same. */
  | 'readModifyWrite'
  /** Reads two documents and writes one if the other is still the same: two of these may skew. */
  | 'skew'
  /** Only conditions. */
  | 'check'
  /** Operations on single items, not in transactions. */
  | 'single'
  /** Sends one of the last transactions again, through whatever router. */
  | 'repeat';

/** How likely a client sends its request twice at about the same time. */
const DOUBLED_PART = 0.1;
const TOKEN_PART = 0.7;
/** Tokens that are kept to be sent again, and those of them that are often. */
const REPEATABLE_MAX = 100;
/** Of those that are known to be done: how often their token is used for another request. */
const MISUSED_PART = 0.3;
const RECENT_COUNT = 12;
const AMOUNT_MAX = 60;

/** Random transactions, and operations beside them on the same items, by clients of the routers. */
export class TransactionWorkload {
  readonly calls: TransactionCalls;
  readonly items: readonly TransactionItem[];
  readonly #options: TransactionWorkloadOptions;
  /** The last ones with tokens. */
  readonly #repeatable: PlannedWrite[] = [];
  /** One a router's process. */
  readonly #clients = new Map<string, TransactionClient>();
  /** Whose clients have learned in the end what became of them. */
  readonly #settled = new Set<PlannedWrite>();
  #opening: PlannedWrite | undefined;
  #tokensCount = 0;
  #isStopped = false;

  constructor(history: TransactionHistory, options: TransactionWorkloadOptions) {
    this.calls = new TransactionCalls(history);
    this.#options = options;
    const { clientsCount, accountsCount, documentsCount } = options;
    this.items = clientsCount === 0 ? [] : transactionItems(accountsCount, documentsCount);
  }

  get accounts(): readonly TransactionItem[] {
    return this.items.filter(({ isAccount }) => isAccount);
  }

  /** Transactions with tokens of which nobody knows whether they were done. */
  get doubtful(): readonly PlannedWrite[] {
    return this.#repeatable.filter(({ recorded }) => recorded.outcome.kind === 'unknown');
  }

  /** Starts the clients of a router's process. */
  start({ router, transactions }: RouterApp, environment: SimEnvironment): void {
    const { id } = environment;
    this.#clients.set(id, { name: `${id}/t`, router, transactions, environment });
    for (let index = 0; index < this.#options.clientsCount; index += 1) {
      const name = `${id}/t${index}`;
      const random = environment.random.fork(`transactions ${index}`);
      void this.#client({ name, router, transactions, environment }, random);
    }
  }

  /** No client begins anything any more. */
  stop(): void {
    this.#isStopped = true;
  }

  /** Has the accounts made, all in one transaction, which is sent until it is known to be done. */
  async openAccounts(client: TransactionClient): Promise<boolean> {
    const changes = this.accounts.map(
      (item): ItemChange => ({
        item,
        effect: { kind: 'put', version: this.calls.newVersion() },
        condition: versionCondition(0),
        amount: BALANCE_AT_FIRST,
      }),
    );
    this.#opening ??= this.calls.plan(client, { name: 'opening', token: 'opening', changes });
    if (this.#opening.recorded.outcome.kind !== 'ok') await this.calls.write(client, this.#opening);
    return this.#opening.recorded.outcome.kind === 'ok';
  }

  /** Sends again what is doubtful, as its clients would; whether they all were told. */
  async settleDoubtful(client: TransactionClient): Promise<boolean> {
    const isOpen = (planned: PlannedWrite) => !this.#settled.has(planned);
    const sending = this.doubtful.filter(isOpen).map(async (planned) => {
      if (await this.calls.write(client, planned)) this.#settled.add(planned);
    });
    await Promise.all(sending);
    return !this.doubtful.some(isOpen);
  }

  /** All items as they are at one moment; whether there was an answer. */
  async readAll(client: TransactionClient): Promise<boolean> {
    const isRead = await this.#snapshot(client, this.items);
    await Promise.all(this.items.map((item) => this.calls.get(client, item)));
    return isRead;
  }

  /** One transaction that writes every item there is, and depends on nothing. */
  async writeAll(client: TransactionClient): Promise<boolean> {
    const changes = this.items.map((item) => this.#blind(item, { kind: 'append', version: 0 }));
    const planned = this.calls.plan(client, { name: 'last', token: undefined, changes });
    await this.calls.write(client, planned);
    return planned.recorded.outcome.kind === 'ok';
  }

  async #client(client: TransactionClient, random: SimRandom): Promise<void> {
    const { scheduler } = client.environment;
    while (!this.#isStopped) {
      await pause(scheduler, random.exponential(this.#options.gapMs));
      if (this.#isStopped) break;
      if (await this.openAccounts(client)) await this.#act(client, random);
    }
  }

  #act(client: TransactionClient, random: SimRandom): Promise<unknown> {
    switch (random.weighted<Deed>(this.#options.mix)) {
      case 'transfer':
        return this.#send(client, random, 'transfer', this.#transfer(random));
      case 'snapshot':
        return this.#snapshot(client, this.#someToRead(random));
      case 'mixed':
        return this.#send(client, random, 'mixed', this.#mixed(random));
      case 'readModifyWrite':
        return this.#readModifyWrite(client, random);
      case 'skew':
        return this.#skew(client, random);
      case 'check':
        return this.#send(client, random, 'check', this.#checks(random));
      case 'single':
        return this.#single(client, random);
      case 'repeat':
        return this.#repeat(client, random);
    }
  }

  async #send(
    client: TransactionClient,
    random: SimRandom,
    name: string,
    changes: readonly ItemChange[],
  ): Promise<void> {
    this.#tokensCount += 1;
    const token = random.chance(TOKEN_PART) ? `token ${this.#tokensCount}` : undefined;
    const planned = this.calls.plan(client, { name, token, changes });
    if (token !== undefined) {
      this.#repeatable.push(planned);
      if (this.#repeatable.length > REPEATABLE_MAX) this.#repeatable.shift();
      if (random.chance(DOUBLED_PART)) this.#sendSoon(planned, random);
    }
    await this.calls.write(client, planned);
  }

  /** Through any router that runs. */
  #sendSoon(planned: PlannedWrite, random: SimRandom): void {
    const running = [...this.#clients.values()].filter(
      ({ environment: { scheduler } }) => scheduler.isAlive,
    );
    if (running.length === 0) return;
    const client = random.pick(running);
    client.environment.scheduler.afterUs(random.int(8_000), 'repeat', () => {
      void this.calls.write(client, planned);
    });
  }

  async #repeat(client: TransactionClient, random: SimRandom): Promise<void> {
    const kind = random.weighted({ doubtful: 3, recent: 2, any: 1 });
    const all = kind === 'doubtful' ? this.doubtful : this.#repeatable;
    const candidates = kind === 'any' ? all : all.slice(-RECENT_COUNT);
    if (candidates.length === 0) return;
    const planned = random.pick(candidates);
    const isDone = planned.recorded.outcome.kind === 'ok';
    if (isDone && random.chance(MISUSED_PART)) await this.calls.misuse(client, planned);
    else await this.calls.write(client, planned);
  }

  /** Whether there was an answer. One with all accounts has all the money. */
  async #snapshot(client: TransactionClient, items: readonly TransactionItem[]): Promise<boolean> {
    const found = await this.calls.read(client, 'snapshot', items);
    if (found === undefined) return false;
    const accounts = found.filter((_, index) => items[index]?.isAccount === true);
    if (accounts.length < this.accounts.length) return true;
    const sum = accounts.reduce((total, item) => total + (item ? balanceOf(item) : 0), 0);
    if (sum !== BALANCE_AT_FIRST * accounts.length) {
      this.calls.defects.push({ what: `all accounts have ${sum}`, error: found });
    }
    return true;
  }

  #transfer(random: SimRandom): readonly ItemChange[] {
    const [payer, ...payees] = random.sample(this.accounts, random.between(2, 3));
    if (payer === undefined) return [];
    const amounts = payees.map(() => random.between(1, AMOUNT_MAX));
    const total = amounts.reduce((sum, amount) => sum + amount, 0);
    const pays: ItemChange = {
      item: payer,
      effect: { kind: 'append', version: this.calls.newVersion() },
      condition: balanceCondition(total),
      amount: -total,
    };
    return random.shuffle([
      pays,
      ...payees.map((item, index): ItemChange => {
        const effect = { kind: 'append', version: this.calls.newVersion() } as const;
        return { item, effect, condition: existsCondition, amount: amounts[index] ?? 0 };
      }),
    ]);
  }

  #mixed(random: SimRandom): readonly ItemChange[] {
    return this.#someDocuments(random, 2, 5).map((item): ItemChange => {
      const drawn = random.weighted({ put: 5, delete: 2, append: 3, putIf: 1, check: 1 });
      if (drawn === 'putIf' || drawn === 'check') return this.#ifLatest(item, drawn);
      const change = this.#blind(item, this.#effect(drawn));
      return drawn === 'put' ? { ...change, padding: this.#padding(random) } : change;
    });
  }

  async #readModifyWrite(client: TransactionClient, random: SimRandom): Promise<void> {
    const items = this.#someDocuments(random, 2, 3);
    const found = await this.calls.read(client, 'readForWrite', items);
    if (found === undefined) return;
    const changes = items.map((item): ItemChange => {
      const drawn = random.weighted({ put: 3, append: 2, delete: 1, check: 1 });
      return this.#ifLatest(item, drawn === 'put' ? 'putIf' : drawn);
    });
    await this.#send(client, random, 'readModifyWrite', changes);
  }

  async #skew(client: TransactionClient, random: SimRandom): Promise<void> {
    const [checked, written] = this.#someDocuments(random, 2, 2);
    if (checked === undefined || written === undefined) return;
    const found = await this.calls.read(client, 'readForWrite', [checked, written]);
    if (found === undefined) return;
    const effect = this.#effect(random.weighted({ put: 3, append: 2, delete: 1 }));
    const changes = [this.#ifLatest(checked, 'check'), this.#blind(written, effect)];
    await this.#send(client, random, 'skew', random.shuffle(changes));
  }

  #checks(random: SimRandom): readonly ItemChange[] {
    return random
      .sample(this.items, random.between(1, 3))
      .map((item) => this.#ifLatest(item, 'check'));
  }

  #single(client: TransactionClient, random: SimRandom): Promise<void> {
    const item = random.pick(this.items);
    const drawn = random.weighted({ get: 4, put: 4, delete: 2, append: 2, putIf: 1 });
    if (drawn === 'get') return this.calls.get(client, item);
    if (item.isAccount) {
      const effect = { kind: 'append', version: this.calls.newVersion() } as const;
      return this.calls.change(client, { item, effect, condition: existsCondition });
    }
    if (drawn === 'putIf') return this.calls.change(client, this.#ifLatest(item, drawn));
    const padding = drawn === 'put' ? { padding: this.#padding(random) } : {};
    const change = { ...this.#blind(item, this.#effect(drawn)), ...padding };
    return this.calls.change(client, change);
  }

  #someDocuments(random: SimRandom, min: number, max: number): readonly TransactionItem[] {
    const documents = this.items.filter(({ isAccount }) => !isAccount);
    return random.sample(documents, random.between(min, max));
  }

  #someToRead(random: SimRandom): readonly TransactionItem[] {
    if (random.chance(0.5)) return this.accounts;
    return random.sample(this.items, random.between(2, this.items.length));
  }

  #effect(kind: 'put' | 'append' | 'delete'): ItemEffect {
    return kind === 'delete' ? { kind } : { kind, version: this.calls.newVersion() };
  }

  /** @param effect - a version of 0 stands for a new one */
  #blind(item: TransactionItem, effect: ItemEffect): ItemChange {
    const isNew = 'version' in effect && effect.version === 0;
    const version = isNew ? this.calls.newVersion() : 0;
    return { item, effect: isNew ? { ...effect, version } : effect, condition: undefined };
  }

  /** If the item is what somebody saw last. */
  #ifLatest(item: TransactionItem, kind: 'putIf' | 'append' | 'delete' | 'check'): ItemChange {
    const condition = versionCondition(this.calls.latestOf(item));
    if (kind === 'check') return { item, effect: { kind: 'none' }, condition };
    return { item, effect: this.#effect(kind === 'putIf' ? 'put' : kind), condition };
  }

  #padding(random: SimRandom): number {
    return random.chance(0.3) ? random.int(this.#options.paddingMax + 1) : 0;
  }
}
