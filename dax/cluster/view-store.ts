import type { CoherenceLimits } from './coherence-limits.ts';
import {
  RegistryError,
  type RegistryOptions,
  type RegistryRecord,
  type RegistryStore,
} from './registry-store.ts';
import type { Scheduler } from './scheduler.ts';
import type { View } from './view.ts';
import { decodeView, encodeView } from './view-record.ts';

const RECORD_ID = 'view';

/** The record of the view. Whatever the registry does, an answer, or none, is there in time. */
export class ViewStore {
  readonly #store: RegistryStore;
  readonly #scheduler: Scheduler;
  readonly #limits: Pick<CoherenceLimits, 'registryMs'>;

  constructor(
    store: RegistryStore,
    scheduler: Scheduler,
    limits: Pick<CoherenceLimits, 'registryMs'>,
  ) {
    this.#store = store;
    this.#scheduler = scheduler;
    this.#limits = limits;
  }

  /** Undefined: there is none. @throws RegistryError */
  async read(): Promise<
    { readonly view: View; readonly version: RegistryRecord['version'] } | undefined
  > {
    const record = await this.#inTime((options) => this.#store.get(RECORD_ID, options));
    return record && { view: decodeView(record.value), version: record.version };
  }

  /**
   * @returns the new version; undefined if another one was there than the one expected
   * @throws RegistryError; it may have been put then, or may still be
   */
  put(view: View, expectedVersion: string | undefined): Promise<string | undefined> {
    return this.#inTime((options) =>
      this.#store.put(RECORD_ID, encodeView(view), expectedVersion, options),
    );
  }

  #inTime<T>(request: (options: RegistryOptions) => Promise<T>): Promise<T> {
    const controller = new AbortController();
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const timer = this.#scheduler.after(this.#limits.registryMs, () => {
      reject(new RegistryError('the registry did not answer in time'));
      controller.abort();
    });
    request({ signal: controller.signal }).then(resolve, reject);
    return promise.finally(() => timer.cancel());
  }
}
