import { decodeCheckedNumber } from '../partition/checked-number.ts';
import { decodeCounters } from '../partition/counters.ts';
import { decodeIndexChange } from '../partition/index-change.ts';
import { metaNames, spaces } from '../partition/key-space.ts';
import { checkRecord } from '../partition/record.ts';
import { decodePartitionConfiguration } from '../routing/table-configuration.ts';
import { StoreError } from '../storage/store.ts';
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
    case spaces.request:
      readRequestIds(value);
      return;
    case spaces.meta:
      checkMeta(key[1], value);
  }
}

function checkMeta(name: number | undefined, value: Buffer): void {
  switch (name) {
    case metaNames.counters:
      decodeCounters(value);
      return;
    case metaNames.collection:
    case metaNames.fed:
      decodeCheckedNumber(value);
      return;
    case metaNames.backfill:
    case metaNames.expiryRebuild:
      decodeWorkCursor(value, 0);
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
