import {
  type ItemAction,
  NO_ITEM,
  printState,
  printTransaction,
  printVersion,
  type RecordedTransaction,
  type Version,
} from './transaction-history.ts';

/** Stands for the beginning, when there is no item: it "deletes" all of them before anybody else. */
export const BEGINNING = 0;

/** Somebody saw, or depended on, what another one left behind. Nodes by their indexes. */
export interface ItemRead {
  readonly reader: number;
  readonly item: string;
  readonly version: Version;
  /** Who may have left it: one, but for items that are not there, which may be several's work. */
  candidates: readonly number[];
}

/**
 * Who wrote what and who met it, as far as a history tells. Operations that failed are left out, and
 * so are those of unknown outcome that nobody saw anything of, unless they delete: for nobody can
 * tell whose work it is that an item is not there.
 */
export class ItemDependencies {
  /** By index; the first is undefined and stands for the `BEGINNING`. */
  readonly nodes: readonly (RecordedTransaction | undefined)[];
  readonly reads: readonly ItemRead[];
  /** Per item, the nodes that write it. */
  readonly writers: ReadonlyMap<string, readonly number[]>;
  /** What no order can explain, for people. */
  readonly impossible: readonly string[];
  /** Nodes that may never have happened. */
  readonly #optional: Set<number>;
  readonly #readsOf = new Map<number, ItemRead[]>();
  readonly #deleters = new Map<string, readonly number[]>();

  constructor(history: readonly RecordedTransaction[]) {
    const sightings = new Sightings(history);
    const nodes = [undefined, ...sightings.happened, ...sightings.optional];
    const indexOf = new Map(nodes.map((node, index) => [node, index] as const));
    this.nodes = nodes;
    this.impossible = sightings.impossible;
    this.#optional = new Set(sightings.optional.map((node) => indexOf.get(node) ?? BEGINNING));
    this.writers = writersOf(nodes);
    const reads: ItemRead[] = [];
    for (const { reader, item, version } of sightings.reads) {
      const index = indexOf.get(reader);
      if (index === undefined) continue;
      const writer = sightings.writerOf(version);
      const candidates =
        version === NO_ITEM
          ? this.#deletersOf(item).filter((deleter) => deleter !== index)
          : [indexOf.get(writer) ?? BEGINNING];
      reads.push({ reader: index, item, version, candidates });
    }
    this.reads = reads;
    for (const read of reads) {
      const own = this.#readsOf.get(read.reader);
      if (own === undefined) this.#readsOf.set(read.reader, [read]);
      else own.push(read);
    }
  }

  isOptional(node: number): boolean {
    return this.#optional.has(node);
  }

  /** It did happen, and with it whatever it depends on. */
  adopt(node: number): void {
    if (!this.#optional.delete(node)) return;
    for (const { candidates } of this.readsOf(node)) {
      const [writer] = candidates;
      if (candidates.length === 1 && writer !== undefined) this.adopt(writer);
    }
  }

  readsOf(node: number): readonly ItemRead[] {
    return this.#readsOf.get(node) ?? [];
  }

  #isDeleter(writer: number, item: string): boolean {
    const action = this.nodes[writer]?.actions.find((each) => each.item === item);
    return action?.effect.kind === 'delete';
  }

  #deletersOf(item: string): readonly number[] {
    const known = this.#deleters.get(item);
    if (known !== undefined) return known;
    const writers = this.writers.get(item) ?? [];
    const deleters = [BEGINNING, ...writers.filter((writer) => this.#isDeleter(writer, item))];
    this.#deleters.set(item, deleters);
    return deleters;
  }
}

function writersOf(
  nodes: readonly (RecordedTransaction | undefined)[],
): ReadonlyMap<string, readonly number[]> {
  const writers = new Map<string, number[]>();
  for (const [index, node] of nodes.entries()) {
    for (const { item, effect } of node?.actions ?? []) {
      if (effect.kind === 'none') continue;
      const known = writers.get(item);
      if (known === undefined) writers.set(item, [index]);
      else known.push(index);
    }
  }
  return writers;
}

interface Sighting {
  readonly reader: RecordedTransaction;
  readonly item: string;
  readonly version: Version;
}

/** Finds out what has happened for certain, and what was met. */
class Sightings {
  readonly happened: RecordedTransaction[] = [];
  readonly optional: RecordedTransaction[] = [];
  readonly reads: Sighting[] = [];
  readonly impossible: string[] = [];
  readonly #written = new Map<Version, Writing>();
  readonly #met = new Map<RecordedTransaction, Map<string, Version>>();

  constructor(history: readonly RecordedTransaction[]) {
    for (const operation of history) {
      for (const action of operation.actions) {
        const { effect } = action;
        if (effect.kind !== 'put' && effect.kind !== 'append') continue;
        this.#written.set(effect.version, { operation, action });
      }
    }
    this.#findHappened(history);
    this.#findOptional(history);
    for (const operation of this.happened) this.#readStates(operation);
    for (const operation of [...this.happened, ...this.optional]) {
      for (const { item, expected } of operation.actions) {
        if (expected !== undefined) this.#meet(operation, item, expected);
      }
    }
  }

  writerOf(version: Version): RecordedTransaction | undefined {
    return this.#written.get(version)?.operation;
  }

  /** Whatever was answered, and what left traces with anybody that has happened. */
  #findHappened(history: readonly RecordedTransaction[]): void {
    const known = new Set(history.filter(({ outcome }) => outcome.kind === 'ok'));
    for (const operation of known) {
      this.happened.push(operation);
      for (const version of versionsMet(operation)) {
        const writer = this.writerOf(version);
        if (writer === undefined || writer.outcome.kind === 'failed') {
          this.#refuse(operation, version, writer);
        } else {
          // Sets can grow while they are gone through.
          known.add(writer);
        }
      }
    }
  }

  #refuse(
    operation: RecordedTransaction,
    version: Version,
    writer: RecordedTransaction | undefined,
  ): void {
    const seen = `Somebody saw ${version}`;
    this.impossible.push(
      writer === undefined
        ? `${seen}, which nobody wrote:\n  ${printTransaction(operation)}`
        : `${seen}, whose writer failed:\n  ${printTransaction(operation)}\n  ${printTransaction(writer)}`,
    );
  }

  #findOptional(history: readonly RecordedTransaction[]): void {
    const happened = new Set(this.happened);
    const optional = new Set<RecordedTransaction>();
    const impossible = new Set<RecordedTransaction>();
    /** Whether it can have happened; then it is optional, with what it depends on. */
    const take = (operation: RecordedTransaction): boolean => {
      if (happened.has(operation) || optional.has(operation)) return true;
      if (operation.outcome.kind !== 'unknown' || impossible.has(operation)) return false;
      // Those that depend on each other in a circle cannot have happened.
      impossible.add(operation);
      for (const version of versionsMet(operation)) {
        const writer = this.writerOf(version);
        if (writer === undefined || !take(writer)) return false;
      }
      impossible.delete(operation);
      optional.add(operation);
      return true;
    };
    for (const operation of history) {
      if (operation.actions.some(({ effect }) => effect.kind === 'delete')) take(operation);
    }
    this.optional.push(...optional);
  }

  #readStates(operation: RecordedTransaction): void {
    const { actions, outcome } = operation;
    if (outcome.kind !== 'ok') return;
    for (const [index, state] of outcome.seen.entries()) {
      const item = actions[index]?.item;
      if (item === undefined || state === undefined) continue;
      this.#meet(operation, item, state.at(-1) ?? NO_ITEM);
      if (state.length > 0) this.#readState(operation, item, state);
    }
  }

  /** Each version of a state met the one before it. */
  #readState(operation: RecordedTransaction, item: string, state: readonly Version[]): void {
    let before: Version | undefined;
    for (const version of state) {
      const writing = this.#written.get(version);
      const isAppend = writing?.action.effect.kind === 'append';
      const isFirst = before === undefined;
      if (writing !== undefined && (writing.action.item !== item || !(isFirst || isAppend))) {
        this.impossible.push(
          `Item ${item} cannot be ${printState(state)}:\n  ${printTransaction(operation)}\n  ${printTransaction(writing.operation)}`,
        );
        return;
      }
      if (writing !== undefined && isAppend) this.#meet(writing.operation, item, before ?? NO_ITEM);
      before = version;
    }
  }

  #meet(reader: RecordedTransaction, item: string, version: Version): void {
    const met = this.#met.get(reader) ?? new Map<string, Version>();
    this.#met.set(reader, met);
    const known = met.get(item);
    if (known === undefined) {
      met.set(item, version);
      this.reads.push({ reader, item, version });
    } else if (known !== version) {
      this.impossible.push(
        `Item ${item} was ${printVersion(known)} and ${printVersion(version)} before the same operation, or it was done twice:\n  ${printTransaction(reader)}`,
      );
    }
  }
}

interface Writing {
  readonly operation: RecordedTransaction;
  readonly action: ItemAction;
}

/** All versions that must have been there if the operation has happened. */
function versionsMet({ actions, outcome }: RecordedTransaction): readonly Version[] {
  const versions: Version[] = [];
  for (const { expected = NO_ITEM } of actions) if (expected !== NO_ITEM) versions.push(expected);
  if (outcome.kind !== 'ok') return versions;
  for (const state of outcome.seen) if (state !== undefined) versions.push(...state);
  return versions;
}
