import { decodeCheckedNumber } from '../partition/checked-number.ts';
import { decodeCounters } from '../partition/counters.ts';
import { decodeIndexChange } from '../partition/index-change.ts';
import { metaNames, spaces, transactionParts } from '../partition/key-space.ts';
import { decodeLedgerRecord } from '../partition/ledger-record.ts';
import { checkMark } from '../partition/mark-record.ts';
import { checkRecord } from '../partition/record.ts';
import { checkStreamRecord } from '../partition/stream-record.ts';
import { decodeShards } from '../partition/stream-shards.ts';
import { decodePartitionConfiguration } from '../routing/table-configuration.ts';
import { StoreError } from '../storage/store.ts';
import { decodeTriggerProgress } from '../trigger/progress-record.ts';
import { readRequestIds } from './request-record.ts';
import { decodeWorkCursor } from './work-cursor.ts';

/**
 * Whether a pair of a partition's state matches its checksum, as far as it has one: asked before a
 * state is copied to another node, for damage must not spread.
 * @param key - without the partition's id: space, and what follows
 * @throws StoreError `damaged`
 */
export function checkStatePair(key: Buffer, value: Buffer): void {
  switch (key[0]) {
    case spaces.item:
    case spaces.localIndex:
      checkRecord(value);
      return;
    case spaces.pendingIndex:
      decodeIndexChange({ indexId: 0, sequence: 0 }, value);
      return;
    case spaces.stream:
      checkStreamRecord(value);
      return;
    case spaces.request:
      readRequestIds(value);
      return;
    case spaces.transaction:
      checkTransaction(key[1], value);
      return;
    case spaces.meta:
      checkMeta(key[1], value);
  }
}

function checkTransaction(part: number | undefined, value: Buffer): void {
  if (part === transactionParts.mark) checkMark(value);
  else if (part === transactionParts.ledger) decodeLedgerRecord(value);
}

function checkMeta(name: number | undefined, value: Buffer): void {
  switch (name) {
    case metaNames.counters:
      decodeCounters(value);
      return;
    case metaNames.collection:
    case metaNames.fed:
    case metaNames.deleted:
      decodeCheckedNumber(value);
      return;
    case metaNames.backfill:
    case metaNames.expiryRebuild:
      decodeWorkCursor(value, 0);
      return;
    case metaNames.shards:
      decodeShards(value);
      return;
    case metaNames.trigger:
      decodeTriggerProgress(value);
      return;
    case metaNames.configuration:
      checkConfiguration(value);
  }
}

function checkConfiguration(value: Buffer): void {
  try {
    decodePartitionConfiguration(value);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new StoreError('damaged', error.message, { cause: error });
  }
}
