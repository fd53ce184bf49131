import { ClientFault } from '../errors/client-fault.ts';
import type { Item } from '../item/attribute-value.ts';
import { hashOf } from './collection.ts';
import type { Capacity } from './command.ts';
import type { Group } from './commit-groups.ts';
import { placeKey } from './compiled-schema.ts';
import { type Evaluation, evaluateWrite } from './evaluate.ts';
import { mapKey } from './in-flight.ts';
import type { AcceptedOutcome, Mark } from './mark-record.ts';
import type { PartitionState, PlacedKey } from './partition-state.ts';
import type { RecordStamp, StoredItem } from './record.ts';
import type { ActionOutcome, Attempt, TransactionCommand } from './transaction.ts';
import { checkOutcome, meetMark, stalledMark } from './transaction-rules.ts';

/** Looks at the units of an action before anything is done; throws ClientFault to refuse it. */
export type Admit = (capacity: Capacity) => void;

/** A command of a transaction, with what came of it on the newest state. */
export interface Action {
  readonly command: TransactionCommand;
  readonly placed: PlacedKey;
  readonly current: StoredItem | undefined;
  /** That the attempt has on the item already. */
  readonly ownMark: Mark | undefined;
  readonly outcome: ActionOutcome;
  /** Of a write that was evaluated. */
  readonly write: { readonly evaluation: Evaluation; readonly stamp: RecordStamp } | undefined;
}

/** Evaluates the commands of transactions on the newest state of a partition, and applies them. */
export class TransactionActions {
  readonly #state: PartitionState;

  constructor(state: PartitionState) {
    this.#state = state;
  }

  /** Evaluates the commands of an attempt, each on the newest state, all at one timestamp. */
  evaluate(
    commands: readonly TransactionCommand[],
    attempt: Attempt,
    admit: Admit,
  ): { readonly actions: readonly Action[]; readonly timestamp: number } {
    const state = this.#state;
    const found = commands.map((command) => {
      const placed = placeIn(state, command.key);
      const mark = state.marks.newest(placed.name);
      return { command, placed, mark, current: state.current(placed) };
    });
    const timestamp = found.reduce(
      (greatest, { mark, current }) =>
        Math.max(
          greatest,
          mark !== undefined && meetMark(mark, attempt) === 'own'
            ? mark.timestampMin
            : state.timestampOver(current),
        ),
      0,
    );
    // Commands may be of the same collection.
    const collections = new Map<string, number>();
    const actions = found.map(({ command, placed, mark, current }): Action => {
      const common = { command, placed, current, ownMark: undefined, write: undefined };
      const met = meetMark(mark, attempt);
      if (mark !== undefined && met === 'own') {
        return { ...common, ownMark: mark, outcome: mark.outcome };
      }
      if (mark !== undefined && met === 'conflict') {
        return {
          ...common,
          outcome: { kind: 'conflict', stalled: stalledMark(mark, state.nowMs) },
        };
      }
      return this.#evaluateOne({ command, placed, timestamp }, collections, admit);
    });
    return { actions, timestamp };
  }

  #evaluateOne(
    {
      command,
      placed,
      timestamp,
    }: {
      readonly command: TransactionCommand;
      readonly placed: PlacedKey;
      readonly timestamp: number;
    },
    collections: Map<string, number>,
    admit: Admit,
  ): Action {
    const state = this.#state;
    const itemState = state.itemState(placed);
    const { current } = itemState;
    const common = { command, placed, current, ownMark: undefined };
    try {
      if (command.kind === 'check') {
        return { ...common, outcome: checkOutcome(command, current), write: undefined };
      }
      const collection = mapKey(hashOf(placed.itemKey));
      const collectionBytes = collections.get(collection) ?? itemState.collectionBytes;
      const context = state.context(timestamp, { isDecided: false });
      const evaluation = evaluateWrite(
        command,
        placed.itemKey,
        { current, collectionBytes },
        context,
      );
      const { result } = evaluation;
      const { capacity } = result;
      if (result.kind === 'conditionFailed') {
        const outcome = { kind: 'conditionFailed', capacity, before: result.beforeJson } as const;
        return { ...common, outcome, write: undefined };
      }
      admit(capacity);
      if (result.collectionBytes !== undefined) collections.set(collection, result.collectionBytes);
      const outcome: AcceptedOutcome = {
        kind: 'accepted',
        capacity,
        collectionBytes: result.collectionBytes,
      };
      return { ...common, outcome, write: { evaluation, stamp: context.stamp } };
    } catch (fault) {
      if (!(fault instanceof ClientFault)) throw fault;
      return { ...common, outcome: { kind: 'fault', fault }, write: undefined };
    }
  }

  /** Applies a marked command to the item as it is now, under the schema of now. */
  commit(
    group: Group,
    placed: PlacedKey,
    { mark, timestamp }: { readonly mark: Mark; readonly timestamp: number },
  ): void {
    const state = this.#state;
    const { command } = mark;
    const itemState = state.itemState(placed);
    const { current } = itemState;
    if (command.kind === 'check') {
      this.apply(group, { placed, current, write: undefined }, timestamp);
      return;
    }
    const context = state.context(timestamp, { isDecided: true });
    const evaluation = evaluateWrite(command, placed.itemKey, itemState, context);
    const write = { evaluation, stamp: context.stamp };
    this.apply(group, { placed, current, write }, timestamp);
  }

  /** Whatever it does, or checks: from then on the item has the timestamp of the transaction. */
  apply(
    group: Group,
    { placed, current, write }: Pick<Action, 'placed' | 'current' | 'write'>,
    timestamp: number,
  ): void {
    const state = this.#state;
    if (write !== undefined && write.evaluation.effects.length > 0) {
      state.append(group, placed, write.evaluation, write.stamp);
    } else if (current === undefined) {
      state.raiseDeleted(group, timestamp);
    } else {
      state.restamp(group, placed, current.withTimestamp(timestamp));
    }
  }
}

/** Of the values that they write; a check writes its item with another timestamp. */
export function bytesOfActions(actions: readonly Action[]): number {
  let bytes = 0;
  for (const { write, current } of actions) {
    if (write === undefined) bytes += current?.record.length ?? 0;
    for (const { value } of write?.evaluation.effects ?? []) bytes += value?.length ?? 0;
  }
  return bytes;
}

/** The place of an item with these key attributes. */
export function placeIn({ compiled, prefixes }: PartitionState, key: Item): PlacedKey {
  const itemKey = placeKey(compiled.itemKey(key), prefixes.item);
  return { itemKey, name: mapKey(itemKey), cell: undefined };
}
