/** Counts of one replica since it is hosted here; only ever rising. Exported by others. */
export interface PartitionMetrics {
  readUnits: number;
  writeUnits: number;
  /** By name of the global index that had no units left. */
  readonly writeThrottles: Map<string, number>;
  gets: number;
  writes: number;
  /** Of these: answered from what is remembered of earlier ones. */
  repeatedWrites: number;
  pages: number;
  /** Calls of transactions, and actions of theirs that met the mark of another one. */
  transactionCalls: number;
  transactionConflicts: number;
  /** Reads of streams, the change records that they were answered with, and the bytes of these. */
  streamReads: number;
  streamRecords: number;
  streamBytes: number;
  feeds: number;
  /** Changes of global indexes taken, and those that had come before. */
  fedChanges: number;
  repeatedChanges: number;
  /** Refused because too much was under way. */
  shed: number;
  /** Items deleted by time to live. */
  expired: number;
  /** Times that a leader's state was made anew although it went on leading. */
  rebuilds: number;
}

export function newMetrics(): PartitionMetrics {
  return {
    readUnits: 0,
    writeUnits: 0,
    writeThrottles: new Map(),
    gets: 0,
    writes: 0,
    repeatedWrites: 0,
    pages: 0,
    transactionCalls: 0,
    transactionConflicts: 0,
    streamReads: 0,
    streamRecords: 0,
    streamBytes: 0,
    feeds: 0,
    fedChanges: 0,
    repeatedChanges: 0,
    shed: 0,
    expired: 0,
    rebuilds: 0,
  };
}
