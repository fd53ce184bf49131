import { metaKey } from '../partition/key-space.ts';
import type { Effect } from '../storage/store.ts';
import { newRecord, openRecord, RECORD_HEAD_BYTES, sealRecord } from './checked-record.ts';
import type { ConfState } from './core/consensus-core.ts';
import { STORAGE_ID_BYTES } from './effects-codec.ts';
import type { Membership } from './replica.ts';
import { decodeLogPlace, encodeLogPlace, type LogPlace } from './replica-records.ts';

/**
 * What a state says of itself, inside its own range: which place in the log it reflects (meta key
 * 0x03 0x00; written with every batch of effects) and the configuration that holds there (0x03 0x01;
 * JSON, written when it changes). So a view of the range at any moment is whole.
 */
export interface Configuration {
  readonly membership: Membership;
  /** As the core has it. */
  readonly conf: ConfState;
}

const FORMAT = 1;
const PLACE = Buffer.of(0x00);
const CONFIGURATION = Buffer.of(0x01);

export function placeEffect(storageId: bigint, place: LogPlace): Effect {
  const key = metaKey(storageId, 'applied', PLACE);
  return { key, value: encodeLogPlace(nameOf(key), place) };
}

export function configurationEffect(storageId: bigint, configuration: Configuration): Effect {
  const key = metaKey(storageId, 'applied', CONFIGURATION);
  const json = Buffer.from(JSON.stringify(configuration));
  const record = newRecord(json.length);
  record.set(json, RECORD_HEAD_BYTES);
  return { key, value: sealRecord(nameOf(key), FORMAT, record) };
}

/**
 * Reads both, from the store or a snapshot of it.
 * @throws RecordDamaged
 */
export function readApplied(
  from: { get(key: Uint8Array): Buffer | undefined },
  storageId: bigint,
): { readonly place: LogPlace; readonly configuration: Configuration } {
  const placeKey = metaKey(storageId, 'applied', PLACE);
  const key = metaKey(storageId, 'applied', CONFIGURATION);
  const json = openRecord(nameOf(key), FORMAT, from.get(key)).toString('utf8');
  return {
    place: decodeLogPlace(nameOf(placeKey), from.get(placeKey)),
    // Written by `configurationEffect`, as the checksum vouches.
    configuration: JSON.parse(json) as Configuration,
  };
}

/** The key at any replica: its first 8 bytes are this replica's own. */
function nameOf(key: Buffer): Buffer {
  return key.subarray(STORAGE_ID_BYTES);
}

export const emptyConf: ConfState = {
  voters: [],
  learners: [],
  votersOutgoing: [],
  learnersNext: [],
  autoLeave: false,
};
