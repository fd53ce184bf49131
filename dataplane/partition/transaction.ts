import type { ClientFault } from '../errors/client-fault.ts';
import type { Condition } from '../expression/ast.ts';
import type { Item } from '../item/attribute-value.ts';
import type { Capacity, WriteCommand } from './command.ts';

/**
 * What a coordinator asks of the partitions that take part in a transaction, and what they answer.
 * Plain data; every call may come twice, and late, and does no harm then.
 *
 * A transaction is _claimed_ in the ledger of one partition, _prepared_ at each partition that has
 * an item of it, _decided_ in the ledger, and then _finished_ at each of them. One whose items, and
 * whose ledger, are in one partition is _executed_ there in one step.
 *
 * @see Idziorek et al., "Distributed Transactions at Scale in Amazon DynamoDB", USENIX ATC '23
 */
export type TransactionCall =
  | PrepareCall
  | ExecuteCall
  | ClaimCall
  | DecideCall
  | FinishCall
  | ResolveCall
  | TransactionReadCall
  | StalledCall;

/** The answer to each kind of call. */
export interface TransactionAnswers {
  readonly prepare: PrepareAnswer;
  readonly execute: ExecuteAnswer;
  readonly claim: ClaimAnswer;
  readonly decide: DecideAnswer;
  readonly finish: FinishAnswer;
  readonly resolve: ResolveAnswer;
  readonly read: TransactionReadAnswer;
  readonly stalled: StalledAnswer;
}

export type AnswerTo<Call extends TransactionCall> = TransactionAnswers[Call['kind']];

/** An answer with the kind of call that it belongs to. */
export type AnsweredCall = {
  readonly [Kind in keyof TransactionAnswers]: {
    readonly kind: Kind;
    readonly answer: TransactionAnswers[Kind];
  };
}[keyof TransactionAnswers];

/** One try of a transaction. Of two tries of one transaction at most one is ever committed. */
export interface Attempt {
  /** 16 bytes: random, or made from the client's token, so that a repeat has the same. */
  readonly id: Uint8Array;
  /** 1 for the first; each later one has a higher number, given by the ledger. */
  readonly number: number;
}

/** Where the outcome of a transaction is recorded. */
export interface LedgerPlace {
  readonly tableId: string;
  readonly tableName: string;
  readonly partitionId: bigint;
}

/** A condition on an item that the transaction leaves as it is. */
export interface CheckCommand {
  readonly kind: 'check';
  readonly key: Item;
  readonly condition: Condition;
}

export type TransactionCommand = WriteCommand | CheckCommand;

/** Marks the items, if all of them accept; marks none otherwise. */
export interface PrepareCall {
  readonly kind: 'prepare';
  readonly attempt: Attempt;
  readonly ledger: LedgerPlace;
  readonly commands: readonly TransactionCommand[];
  /** Global indexes that have no write units left: an action that would change one is refused. */
  readonly exhaustedIndexes: readonly string[];
}

export interface PrepareAnswer {
  /** One a command, in their order. Marked only if all are `accepted`. */
  readonly outcomes: readonly ActionOutcome[];
  /**
   * The least timestamp, us since 1970, that the items accept: above those of what was written,
   * deleted and checked before. 0 if anything was refused.
   */
  readonly timestampMin: number;
}

export type ActionOutcome =
  /** `capacity`: of one write of this kind; a transaction is charged twice that. */
  | {
      readonly kind: 'accepted';
      readonly capacity: Capacity;
      readonly collectionBytes: number | undefined;
    }
  /** `before`: UTF-8 wire JSON of the item as it is. */
  | {
      readonly kind: 'conditionFailed';
      readonly capacity: Capacity;
      readonly before: Uint8Array | undefined;
    }
  /** Another transaction has marked the item. `stalled` when that is so for long. */
  | { readonly kind: 'conflict'; readonly stalled: StalledMark | undefined }
  /** The update expression, a size, an index key, the collection's limit, an index's throughput. */
  | { readonly kind: 'fault'; readonly fault: ClientFault };

/** All of a transaction in one step: one entry of the log. */
export interface ExecuteCall {
  readonly kind: 'execute';
  readonly id: Uint8Array;
  /** Of the request: tells a repeat from another request with the same token. */
  readonly digest: Uint8Array;
  /** Of the coordinator's run, random: its own repeats are told apart from a client's. */
  readonly runId: Uint8Array;
  readonly commands: readonly TransactionCommand[];
  readonly exhaustedIndexes: readonly string[];
  /** An earlier try of the call may still arrive: when this one is refused, that one has to be, too. */
  readonly isRepeat?: boolean;
}

export type ExecuteAnswer =
  | { readonly kind: 'done'; readonly outcomes: readonly ActionOutcome[] }
  /** Nothing was done: not all outcomes are `accepted`. */
  | { readonly kind: 'refused'; readonly outcomes: readonly ActionOutcome[] }
  /** The client has had it done before. */
  | { readonly kind: 'repeated' }
  | { readonly kind: 'mismatch' }
  | { readonly kind: 'inProgress' }
  /** Nothing was done: its effects are too large for one entry. Prepare it instead. */
  | { readonly kind: 'tooLarge' };

/** Begins a transaction in its ledger, or takes it over from a run that has stopped. */
export interface ClaimCall {
  readonly kind: 'claim';
  readonly id: Uint8Array;
  readonly digest: Uint8Array;
  readonly runId: Uint8Array;
}

export type ClaimAnswer =
  | { readonly kind: 'claimed'; readonly attempt: number }
  /** Committed before, by another run; its marks are finished or being finished by that. */
  | {
      readonly kind: 'committed';
      readonly attempt: number;
      readonly timestamp: number;
      readonly participants: readonly Participant[];
    }
  /** Another run is at it, and began less than `CLAIM_TAKEOVER_MS` ago. */
  | { readonly kind: 'inProgress' }
  /** The id stands for another request. */
  | { readonly kind: 'mismatch' };

/** A partition with items of the transaction. */
export interface Participant {
  readonly tableId: string;
  readonly tableName: string;
  readonly partitionId: bigint;
}

/** Records the outcome of an attempt, once and for all: the first one that comes stands. */
export interface DecideCall {
  readonly kind: 'decide';
  readonly attempt: Attempt;
  readonly outcome:
    | {
        readonly kind: 'commit';
        /** us since 1970: at least every participant's `timestampMin`. */
        readonly timestamp: number;
        /** All of them: the record stays until each has finished. */
        readonly participants: readonly Participant[];
      }
    | { readonly kind: 'abort' };
}

export type DecideAnswer = Outcome;

export type Outcome =
  | {
      readonly kind: 'committed';
      readonly timestamp: number;
      readonly participants: readonly Participant[];
    }
  | { readonly kind: 'aborted' };

/** Applies, or drops, what the attempt has marked here. Nothing marked: nothing is done. */
export interface FinishCall {
  readonly kind: 'finish';
  readonly attempt: Attempt;
  readonly outcome:
    | { readonly kind: 'commit'; readonly timestamp: number }
    | { readonly kind: 'abort' };
}

export interface FinishAnswer {
  readonly finishedCount: number;
}

/** What became of an attempt; one that has stopped without an outcome is aborted by asking. */
export interface ResolveCall {
  readonly kind: 'resolve';
  readonly attempt: Attempt;
  /** The coordinator is known to be gone: not waited for. */
  readonly isAbandoned: boolean;
}

export type ResolveAnswer = Outcome | { readonly kind: 'inProgress' };

/** Committed items, with what shows whether they have changed since. */
export interface TransactionReadCall {
  readonly kind: 'read';
  /** Key attributes of the table. */
  readonly keys: readonly Item[];
}

export interface TransactionReadAnswer {
  /** One a key, in their order. */
  readonly items: readonly TransactionItem[];
}

export type TransactionItem =
  | {
      readonly kind: 'item';
      /** UTF-8 wire JSON; undefined: there is no item. */
      readonly json: Uint8Array | undefined;
      /** In the service's count; 0 without an item. */
      readonly bytes: number;
      /** The same in two reads: the item did not change in between. */
      readonly state: string;
    }
  /** A transaction that will write it is under way. */
  | { readonly kind: 'conflict'; readonly stalled: StalledMark | undefined };

/** A mark that has been there for longer than `STALLED_MS`: its coordinator may be gone. */
export interface StalledMark {
  readonly attempt: Attempt;
  readonly ledger: LedgerPlace;
}

/** What waits at a partition for somebody to finish it. */
export interface StalledCall {
  readonly kind: 'stalled';
  /** All marks, however young: their coordinators are known to be gone. */
  readonly isAll: boolean;
}

export interface StalledAnswer {
  /** One an attempt. */
  readonly marks: readonly StalledMark[];
  /** Committed transactions of this ledger that are to be forgotten once all have finished. */
  readonly unfinished: readonly {
    readonly attempt: Attempt;
    readonly timestamp: number;
    readonly participants: readonly Participant[];
  }[];
}

/** A run that has not come to an outcome for so long may be taken over (the service's about 5 s). */
export const CLAIM_TAKEOVER_MS = 5_000;
/** A mark so old is reported, and its transaction looked after. Above what a healthy one takes. */
export const STALLED_MS = 2_000;
/** A repeat with the same token is known for so long after the transaction (API: 10 minutes). */
export const TOKEN_RETENTION_MS = 600_000;
