import { RegistryError, type RegistryStore } from './registry-store.ts';

const RECORD_ID = 'lists';
/** Several nodes may define lists at the same time. */
const CONFLICTS_MAX = 5;

/**
 * How many attribute lists a cluster has: a record of its own, to which each node adds what it defined. What a node
 * that is killed had not added yet is missing, so it is about right.
 */
export class ListCount {
  readonly #store: RegistryStore;
  #stored = 0;
  /** Not in the record yet. */
  #added = 0;
  #loading: Promise<unknown> | undefined;
  #isLoaded = false;
  #isSaving = false;

  constructor(store: RegistryStore) {
    this.#store = store;
  }

  get value(): number {
    return this.#stored + this.#added;
  }

  /** The number, as it was not long ago. @throws RegistryError */
  async load(): Promise<number> {
    if (!this.#isLoaded) {
      this.#loading ??= this.#read().finally(() => {
        this.#loading = undefined;
      });
      await this.#loading;
    }
    return this.value;
  }

  /** One more. It is saved on the side; if that fails, with the next one. */
  add(): void {
    this.#added += 1;
    if (this.#isSaving) return;
    this.#isSaving = true;
    this.#save()
      .catch((error) => {
        if (!(error instanceof RegistryError)) throw error;
      })
      .finally(() => {
        this.#isSaving = false;
      });
  }

  async #read(): Promise<string | undefined> {
    const record = await this.#store.get(RECORD_ID);
    const count = record?.value.count;
    this.#stored = typeof count === 'number' ? count : 0;
    this.#isLoaded = true;
    return record?.version;
  }

  async #save(): Promise<void> {
    for (let conflicts = 0; this.#added > 0 && conflicts < CONFLICTS_MAX; ) {
      const version = await this.#read();
      const added = this.#added;
      const count = this.#stored + added;
      if ((await this.#store.put(RECORD_ID, { count }, version)) !== undefined) {
        this.#added -= added;
        this.#stored = count;
      } else {
        conflicts += 1;
      }
    }
  }
}
