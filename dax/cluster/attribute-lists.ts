import { createHash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { JsonObject } from '../../dataplane/api/operation.ts';
import { ClientFault } from '../../dataplane/errors/client-fault.ts';
import type { Eventually } from '../tables/eventually.ts';
import { ListCount } from './list-count.ts';
import { RegistryError, type RegistryStore } from './registry-store.ts';

/** The id that all clients know as that of the empty list, and never ask for (dax-protocol.md section 7). */
export const EMPTY_LIST_ID = 1;

/** Our own bounds: each distinct list costs registry space for ever. */
export interface AttributeListLimits {
  readonly namesMax: number;
  /** Of all names of a list, as UTF-8. */
  readonly listBytesMax: number;
  /** Of a cluster, about. */
  readonly listsMax: number;
  /** Of lists that are kept in memory, in characters. */
  readonly cacheCharsMax: number;
}

export const defaultAttributeListLimits: AttributeListLimits = {
  namesMax: 5_000,
  listBytesMax: 64 * 1024,
  listsMax: 100_000,
  cacheCharsMax: 32 * 1024 * 1024,
};

/** Two lists of one hash are as good as impossible; seven more would be a broken registry. */
const SALTS_MAX = 8;
const NO_NAMES: readonly string[] = Object.freeze([]);

interface KnownList {
  readonly id: number;
  readonly names: readonly string[];
  /** Their JSON, by which the list is found and kept. */
  readonly text: string;
}

/**
 * Attribute lists by id, in the registry. An id keeps its meaning on all nodes, for ever.
 *
 * The id is the first 53 bits of the SHA-256 of the list's JSON, so all nodes give a list the same one; it is given out once the
 * registry has it. Should two lists have the same, the later one is hashed with a salt.
 *
 * @see reference/dax-protocol.md section 7
 */
export class AttributeLists {
  readonly #store: RegistryStore;
  readonly #limits: AttributeListLimits;
  readonly #counter: ListCount;
  /** By the list's JSON. */
  readonly #byList: LRUCache<string, KnownList>;
  readonly #byId = new Map<number, KnownList>();
  /** Of lists and ids that the registry is being asked for: one flight each. */
  readonly #defining = new Map<string, Promise<number>>();
  readonly #finding = new Map<number, Promise<readonly string[] | undefined>>();

  constructor(store: RegistryStore, limits: Partial<AttributeListLimits> = {}) {
    this.#store = store;
    this.#limits = { ...defaultAttributeListLimits, ...limits };
    this.#counter = new ListCount(store);
    this.#byList = new LRUCache({
      maxSize: this.#limits.cacheCharsMax,
      // JSON and names, and what two maps take for an entry.
      sizeCalculation: (_list, text) => 2 * text.length + 200,
      dispose: ({ id }) => this.#byId.delete(id),
    });
  }

  /** Lists that the cluster has, about; 0 until the first of them is defined here. */
  get count(): number {
    return this.#counter.value;
  }

  /**
   * The id of a list of names, in the order given: 1 to 2^53 - 1.
   * @throws ClientFault LimitExceededException; RegistryError
   */
  idOf(names: readonly string[]): Eventually<number> {
    if (names.length === 0) return EMPTY_LIST_ID;
    if (names.length > this.#limits.namesMax) throw tooLarge();
    const text = JSON.stringify(names);
    const known = this.#byList.get(text);
    if (known !== undefined) return known.id;
    let defining = this.#defining.get(text);
    if (defining === undefined) {
      if (Buffer.byteLength(names.join('')) > this.#limits.listBytesMax) throw tooLarge();
      defining = this.#define([...names], text).finally(() => this.#defining.delete(text));
      this.#defining.set(text, defining);
    }
    return defining;
  }

  /**
   * The names of an id; undefined if nobody ever defined it, as the registry has it now.
   * @throws RegistryError
   */
  namesOf(id: number): Eventually<readonly string[] | undefined> {
    if (id === EMPTY_LIST_ID) return NO_NAMES;
    const known = this.#byId.get(id);
    if (known !== undefined) {
      this.#byList.get(known.text);
      return known.names;
    }
    if (!Number.isSafeInteger(id) || id < EMPTY_LIST_ID) return undefined;
    let finding = this.#finding.get(id);
    if (finding === undefined) {
      finding = this.#find(id).finally(() => this.#finding.delete(id));
      this.#finding.set(id, finding);
    }
    return finding;
  }

  async #define(names: readonly string[], text: string): Promise<number> {
    for (let salt = 0; salt < SALTS_MAX; salt += 1) {
      const id = hashOf(salt, text);
      if (id > EMPTY_LIST_ID && (await this.#isOrBecomes(id, names, text))) {
        this.#keep({ id, names, text });
        return id;
      }
    }
    throw new RegistryError('the registry has other lists under all ids of this one');
  }

  /** Whether the registry has that list under that id, now that this returns. */
  async #isOrBecomes(id: number, names: readonly string[], text: string): Promise<boolean> {
    const found = await this.#store.get(recordIdOf(id));
    if (found !== undefined) return JSON.stringify(namesIn(found.value)) === text;
    if ((await this.#counter.load()) >= this.#limits.listsMax) throw tooMany();
    if ((await this.#store.put(recordIdOf(id), { names }, undefined)) !== undefined) {
      this.#counter.add();
      return true;
    }
    // Another node was first: with the same list, or else there is one more salt.
    const other = await this.#store.get(recordIdOf(id));
    return other !== undefined && JSON.stringify(namesIn(other.value)) === text;
  }

  async #find(id: number): Promise<readonly string[] | undefined> {
    const found = await this.#store.get(recordIdOf(id));
    if (found === undefined) return undefined;
    const names = namesIn(found.value);
    this.#keep({ id, names, text: JSON.stringify(names) });
    return names;
  }

  #keep(list: KnownList): void {
    this.#byList.set(list.text, list);
    if (this.#byList.has(list.text)) this.#byId.set(list.id, list);
  }
}

function hashOf(salt: number, text: string): number {
  const salted = salt === 0 ? text : `${salt} ${text}`;
  return Number(createHash('sha256').update(salted).digest().readBigUInt64BE() >> 11n);
}

function recordIdOf(id: number): string {
  return `list/${id}`;
}

function namesIn({ names }: JsonObject): readonly string[] {
  if (Array.isArray(names) && names.every((name) => typeof name === 'string')) return names;
  throw new RegistryError('an attribute list in the registry is damaged');
}

function tooLarge(): ClientFault {
  return new ClientFault(
    'LimitExceededException',
    'An item has too many attributes, or too long names of attributes, for the cache',
  );
}

function tooMany(): ClientFault {
  return new ClientFault(
    'LimitExceededException',
    'The cluster has too many different sets of attribute names',
  );
}
