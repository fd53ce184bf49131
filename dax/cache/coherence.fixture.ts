import type { Invalidation } from '../cluster/coherence.ts';
import type { CacheCoherence } from './cached-tables.ts';

/**
 * For tests: what joins nodes, in one process. Messages take their time, each its own; an
 * invalidation resolves when all others have handled it and said so.
 */
export class TestCluster {
  readonly nodes: readonly TestCoherence[];
  readonly #options: TestClusterOptions;
  #view: TestView = { version: 1, generation: 'g1', unreachable: new Set() };

  constructor(nodesCount: number, options: TestClusterOptions) {
    this.#options = options;
    this.nodes = Array.from(
      { length: nodesCount },
      (_, index) => new TestCoherence(this, index, this.#view),
    );
  }

  get view(): TestView {
    return this.#view;
  }

  setReachable(index: number, isReachable: boolean): Promise<void> {
    const unreachable = new Set(this.#view.unreachable);
    if (isReachable) unreachable.delete(index);
    else unreachable.add(index);
    return this.change({ unreachable });
  }

  async invalidate(from: TestCoherence, message: Invalidation): Promise<void> {
    await Promise.all(
      this.nodes
        .filter((node) => node !== from)
        .map(async (node) => {
          await this.#pause();
          if (this.#options.losesInvalidations !== true) node.deliver(message);
          await this.#pause();
        }),
    );
  }

  /** Resolves when all nodes know it whose lease has not run out. */
  async change(change: Partial<TestView>): Promise<void> {
    const version = this.#view.version + 1;
    const view = { ...this.#view, generation: `g${version}`, ...change, version };
    this.#view = view;
    await Promise.all(
      this.nodes.map(async (node) => {
        await this.#pause();
        node.learn(view);
      }),
    );
  }

  #pause(): Promise<void> {
    const delayMs = this.#options.delayMs();
    if (delayMs === 0) return Promise.resolve();
    return new Promise((resolve) => setTimeout(resolve, delayMs));
  }
}

export interface TestClusterOptions {
  /** Of each message. */
  readonly delayMs: () => number;
  /** A planted fault: invalidations are acknowledged, but not delivered. */
  readonly losesInvalidations?: boolean;
}

export interface TestView {
  readonly version: number;
  readonly generation: string;
  readonly unreachable: ReadonlySet<number>;
}

export class TestCoherence implements CacheCoherence {
  mayServe = true;
  /** What an invalidation fails with, if anything. */
  failure: Error | undefined;
  readonly sent: Invalidation[] = [];
  readonly #cluster: TestCluster;
  readonly #index: number;
  #view: TestView;
  #lapse: PromiseWithResolvers<void> | undefined;
  #onInvalidation: (message: Invalidation) => void = () => undefined;
  #onReset: () => void = () => undefined;
  #onL2Generation: (generation: string) => void = () => undefined;

  constructor(cluster: TestCluster, index: number, view: TestView) {
    this.#cluster = cluster;
    this.#view = view;
    this.#index = index;
  }

  get l2Generation(): string {
    return this.#view.generation;
  }

  get isL2Shared(): boolean {
    return this.#view.unreachable.size === 0;
  }

  async invalidate(message: Invalidation): Promise<void> {
    this.sent.push(message);
    if (this.failure !== undefined) throw this.failure;
    await this.#cluster.invalidate(this, message);
    // Only who knows the view of now may acknowledge.
    await this.#lapse?.promise;
  }

  /** Its lease runs out: it is told of what others write, and learns nothing of the view. */
  lapse(): void {
    this.mayServe = false;
    this.#lapse ??= Promise.withResolvers();
  }

  renew(): void {
    this.#adopt(this.#cluster.view);
    this.mayServe = true;
    this.#lapse?.resolve();
    this.#lapse = undefined;
  }

  newL2Generation(): Promise<void> {
    return this.#cluster.change({});
  }

  setL2Reachable(isReachable: boolean): Promise<void> {
    return this.#cluster.setReachable(this.#index, isReachable);
  }

  onInvalidation(handler: (message: Invalidation) => void): void {
    this.#onInvalidation = handler;
  }

  onReset(handler: () => void): void {
    this.#onReset = handler;
  }

  onL2Generation(handler: (generation: string) => void): void {
    this.#onL2Generation = handler;
  }

  deliver(message: Invalidation): void {
    this.#onInvalidation(message);
  }

  reset(): void {
    this.#onReset();
  }

  learn(view: TestView): void {
    if (this.#lapse === undefined) this.#adopt(view);
  }

  #adopt(view: TestView): void {
    if (view.version <= this.#view.version) return;
    const isNew = view.generation !== this.#view.generation;
    this.#view = view;
    if (isNew) this.#onL2Generation(view.generation);
  }
}
