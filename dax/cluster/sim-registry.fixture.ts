import type { JsonObject } from '../../dataplane/api/operation.ts';
import type { SimRandom } from '../../dataplane/simulation/random.ts';
import type { SimProcess } from '../../dataplane/simulation/sim-scheduler.ts';
import type { SimWorld } from '../../dataplane/simulation/sim-world.ts';
import { RegistryError, type RegistryRecord, type RegistryStore } from './registry-store.ts';

/**
 * A registry of a simulation: requests take their time, which may be long, and then happen at once; requests and answers
 * are lost while it is away from a node.
 */
export class SimRegistry {
  readonly #world: SimWorld;
  readonly #random: SimRandom;
  readonly #records = new Map<string, RegistryRecord>();
  readonly #awayFrom = new Set<string>();
  readonly #onPut: (id: string, value: JsonObject) => void;

  #putsCount = 0;

  constructor(world: SimWorld, onPut: (id: string, value: JsonObject) => void = () => undefined) {
    this.#world = world;
    this.#random = world.random.fork('registry');
    this.#onPut = onPut;
  }

  /** As a process has it. */
  of(process: SimProcess): RegistryStore {
    return {
      get: (id) => this.#request(process, () => this.#records.get(id)),
      put: (id, value, expectedVersion) =>
        this.#request(process, () => this.#put(id, value, expectedVersion)),
    };
  }

  block(node: string): void {
    this.#awayFrom.add(node);
  }

  heal(): void {
    this.#awayFrom.clear();
  }

  /** Somebody deletes the table and makes it anew. */
  empty(): void {
    this.#records.clear();
  }

  #put(id: string, value: JsonObject, expectedVersion: string | undefined): string | undefined {
    if (this.#records.get(id)?.version !== expectedVersion) return undefined;
    this.#putsCount += 1;
    const version = `v${this.#putsCount}`;
    this.#records.set(id, { value, version });
    this.#onPut(id, value);
    return version;
  }

  #request<T>(process: SimProcess, perform: () => T): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const node = process.name.split(' ', 1)[0] ?? '';
    const isAway = () => this.#awayFrom.has(node);
    this.#world.schedule(this.#delayUs(), 'registry', {
      fn: () => {
        if (isAway()) return; // Nobody answers; the caller has a time limit.
        if (this.#random.chance(0.01)) {
          process.afterUs(this.#delayUs(), 'registry failure', () =>
            reject(new RegistryError('the registry is busy')),
          );
          return;
        }
        const result = perform();
        if (isAway() || this.#random.chance(0.01)) return;
        process.afterUs(this.#delayUs(), 'registry answer', () => resolve(result));
      },
    });
    return promise;
  }

  /** Mostly some milliseconds; sometimes so long that the caller has given up by then. */
  #delayUs(): number {
    const max = this.#random.chance(0.03) ? 4_000_000 : 8_000;
    return Math.round(this.#random.logBetween(500, max));
  }
}
