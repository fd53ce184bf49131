import type { ListedCapacity } from '../partition/capacity.ts';
import type { StreamCall } from '../partition/stream.ts';
import type { Membership, NewReplica } from '../replication/replica.ts';
import type { NodeId } from '../replication/transport/transport.ts';

/**
 * What routers and nodes say to each other, over `Transport.request`. Calls and answers of the data
 * path are tuples, to be small; the others are plain objects. Integers are numbers below 2^53,
 * partition ids bigints.
 *
 * Every refusal is a `RemoteFailure` with one of `FailureCode`; each but `fault` may
 * be tried again, also a write, since its request id makes it happen once.
 */
export const methods = {
  get: 'get',
  write: 'write',
  page: 'page',
  stream: 'stream',
  transact: 'transact',
  feed: 'feed',
  report: 'report',
  control: 'control',
  /**
   * A control call whose change is not made. It is no member of the call: a node that does not know
   * of it must not make the change.
   */
  rehearse: 'rehearse',
  createReplica: 'createReplica',
  dropReplica: 'dropReplica',
  configure: 'configure',
  changeMembers: 'changeMembers',
  transferLeadership: 'transferLeadership',
  backfillIndex: 'backfillIndex',
  rebuildExpiry: 'rebuildExpiry',
} as const;

/** Channel of messages without a body, from a node to connected routers: its report has changed. */
export const REPORT_CHANGED_CHANNEL = 'reportChanged';

export type FailureCode =
  /** Not done: another replica leads, perhaps the one in `NotLeaderData`. */
  | 'notLeader'
  /** Not done: the partition has no replica on this node, or none that takes part. */
  | 'noReplica'
  /** Not done: this replica is too far behind to be read. */
  | 'stale'
  /** Not done: too much waits here. Try later. */
  | 'overloaded'
  /** Not done: the call is older than retries are remembered (`CallTime`). */
  | 'expired'
  /** Not done: no quorum, no disk space, or the node is stopping. */
  | 'unavailable'
  /** A write that may be committed, now or later. */
  | 'unknownOutcome'
  /** The caller's fault: `FaultData`. */
  | 'fault'
  /** The data that is asked for does not match its checksum on this node. */
  | 'damaged'
  /** Not done: the node's data folder is not the one that the call names. */
  | 'otherStore'
  /** Not done: the partition has another replica on that node, or had this one before. */
  | 'replicaExists'
  /** Not done: the table was deleted, and only the records of its streams are left. */
  | 'retired';

export interface NotLeaderData {
  readonly leader: NodeId | undefined;
  readonly term: number;
}

/** A ClientFault on its way. */
export interface FaultData {
  readonly type: string;
  readonly message: string | undefined;
  readonly members: { readonly [name: string]: unknown } | undefined;
}

/**
 * When a write was sent, by the clock of the node that is to do it: the process that said so, and
 * its monotonic ms, from the node's newest answer. A call that got stuck on its way for longer than
 * retries are remembered is told apart so, whatever clocks say; a node refuses it as `expired`.
 */
export type CallTime = readonly [processId: string, monotonicMs: number];

/** Oldest call that a node still does. */
export const CALL_AGE_MS_MAX = 30_000;
/** A leader remembers the writes it has done for at least this long: above twice the age. */
export const RETRY_WINDOW_MS = 75_000;
/** A router gives up a request after this. */
export const REQUEST_DEADLINE_MS = 10_000;
/** An eventual read finds nothing older than this. */
export const STALENESS_MS_MAX = 10_000;
/**
 * A replica whose state is older than this by what its leader vouched for is not read. The rest is for a
 * leader that was replaced and has not noticed: it does within two election time-outs.
 */
export const VOUCHED_STALENESS_MS_MAX = STALENESS_MS_MAX - 2_000;

/** `itemKey`: key in the item space without partition id and space (hash, sort key). */
export type GetCall = readonly [
  partitionId: bigint,
  epoch: number,
  itemKey: Uint8Array,
  isConsistent: boolean,
];
/** UTF-8 wire JSON of the whole item and its size in the service's count; null: no item. */
export type GetAnswer = readonly [json: Uint8Array, bytes: number] | null;

export type WriteCall = readonly [
  partitionId: bigint,
  epoch: number,
  /** 16 bytes, random: the same for every try of one write. */
  requestId: Uint8Array,
  time: CallTime,
  /** See partition/command-codec.ts. */
  command: Uint8Array,
  /** Whether the caller wants the item before (1) and after (2); else they are null. */
  returns: number,
  /** Global indexes that have no write units left: a write that would change one is refused. */
  exhaustedIndexes: readonly string[],
];
export type WriteAnswer = readonly [
  kind: 'applied' | 'conditionFailed',
  capacity: ListedCapacity,
  collectionBytes: number | null,
  /** UTF-8 wire JSON. */
  before: Uint8Array | null,
  after: Uint8Array | null,
  /** The node's clock for the next CallTime. */
  monotonicMs: number,
];

export type PageCall = readonly [
  partitionId: bigint,
  epoch: number,
  kind: 'query' | 'scan',
  /** A QueryRequest or ScanRequest (partition/command.ts); `limit` and `bytesMax` are what is left. */
  request: unknown,
];
export type PageAnswer = readonly [
  items: readonly Uint8Array[],
  count: number,
  scannedCount: number,
  /** Set when the page is full: limit or bytes. */
  lastEvaluatedKey: unknown,
  capacity: ListedCapacity,
  evaluatedBytes: number,
];

/** To the leader of a base partition, about its streams; answered as partition/stream.ts says. */
export type PartitionStreamCall = readonly [partitionId: bigint, epoch: number, call: StreamCall];

/**
 * To the leader of a base partition, as a part of a transaction (partition/transaction.ts, in the form
 * of wire-transaction.ts). Every one may come twice.
 */
export type TransactCall = readonly [
  partitionId: bigint,
  epoch: number,
  time: CallTime,
  call: unknown,
];
export type TransactAnswer = readonly [
  answer: unknown,
  /** The node's clock for the next CallTime. */
  monotonicMs: number,
];

/**
 * Changes of one base partition for one partition of a global index, in order of their sequences.
 * The index's partition remembers the last sequence it has taken from each base partition, so that
 * one that comes again does nothing.
 */
export type FeedCall = readonly [
  indexPartitionId: bigint,
  basePartitionId: bigint,
  changes: readonly FedChange[],
];
export type FedChange = readonly [
  sequence: number,
  version: number,
  removedKey: Uint8Array | null,
  putKey: Uint8Array | null,
  putRecord: Uint8Array | null,
];

export interface ReportCall {
  /** The version that the caller has, and of which process; all is sent when it is another. */
  readonly since: { readonly processId: string; readonly version: number } | undefined;
}

/** What a node knows: of itself, of its replicas, and of the tables they belong to. */
export interface NodeReport {
  readonly node: NodeId;
  readonly zone: string;
  /** Random ids of the data folder, and of the process. */
  readonly storeId: string;
  readonly processId: string;
  /** Rises whenever something that is reported changes. */
  readonly version: number;
  /** The node's monotonic clock. */
  readonly monotonicMs: number;
  /** Routers connected to this node: each takes its part of a table's throughput. */
  readonly routersCount: number;
  /** Why it takes no part at present; undefined when well. */
  readonly halted: string | undefined;
  /** It says all there is, whatever the call asked for: what it does not list is not there. */
  readonly isWhole: boolean;
  /** What changed since the call's version, all of it without one. */
  readonly partitions: readonly PartitionReport[];
  readonly removedPartitions: readonly bigint[];
  /** Encoded TableConfiguration (table-configuration.ts), once a table, its newest version here. */
  readonly tables: readonly Uint8Array[];
}

export interface PartitionReport {
  readonly partitionId: bigint;
  readonly tableId: string;
  /** 0: the table itself; else the id of the global index. */
  readonly indexId: number;
  readonly membership: Membership;
  readonly term: number;
  /** As known to this replica. */
  readonly leader: NodeId | undefined;
  readonly replica: {
    readonly replicaId: number;
    readonly isReadyLeader: boolean;
    readonly appliedIndex: number;
    readonly failure: string | undefined;
  };
  /** Live totals as applied here. By index id: local indexes. */
  readonly items: number;
  readonly bytes: number;
  readonly localIndexes: readonly (readonly [id: number, items: number, bytes: number])[];
  /** Of a leader: version of the table's configuration that is committed. */
  readonly configurationVersion: number;
  /** Of a leader: transactions here that wait for somebody to finish them; absent: none. */
  readonly stalledTransactions?: number;
}

/** An API operation of the control plane, done where the catalog is led. */
export interface ControlCall {
  readonly operation: string;
  /** The request's JSON. */
  readonly body: Uint8Array;
  readonly host: string;
}
/** UTF-8 JSON of the response. */
export type ControlAnswer = Uint8Array;

/** Calls of the control plane name the data folder that they mean. */
export interface CreateReplicaCall {
  readonly storeId: string;
  readonly replica: Pick<NewReplica, 'partitionId' | 'replicaId' | 'members'>;
  /** Encoded PartitionConfiguration that founders begin with; undefined for one that joins. */
  readonly configuration: Uint8Array | undefined;
}

export interface DropReplicaCall {
  readonly storeId: string;
  readonly partitionId: bigint;
  /** Drops this one or an earlier one, and leaves a later one alone; undefined: whichever is there. */
  readonly replicaId?: number | undefined;
}

/** To the leader: takes over a newer configuration of the table. An older one does nothing. */
export interface ConfigureCall {
  readonly partitionId: bigint;
  /** Encoded TableConfiguration. */
  readonly configuration: Uint8Array;
}

export interface ChangeMembersCall {
  readonly partitionId: bigint;
  readonly addLearners: readonly { readonly node: NodeId }[];
  readonly promote: readonly number[];
  readonly remove: readonly number[];
}

export interface TransferLeadershipCall {
  readonly partitionId: bigint;
  readonly toNode: NodeId;
}

/** To the leader of a base partition: works on, from where it was, and tells whether all is done. */
export interface BackfillIndexCall {
  readonly partitionId: bigint;
  readonly indexId: number;
}
export interface RebuildExpiryCall {
  readonly partitionId: bigint;
  /** Of the table's configuration that the work is for. */
  readonly configurationVersion: number;
}
/** Answers come after a few seconds at the latest; the caller asks again until it is done. */
export interface WorkAnswer {
  readonly isDone: boolean;
}
