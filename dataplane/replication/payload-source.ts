import { RecordDamaged } from './checked-record.ts';
import type { ReplicationContext } from './context.ts';
import { decodeEntry } from './entry-record.ts';
import type { Group } from './group.ts';

/**
 * The payload of an entry: from memory if it is recent, else from the log.
 * @throws RecordDamaged when it is in neither, or another entry is in its place
 */
export function readPayload(
  context: ReplicationContext,
  group: Group,
  entry: { readonly index: number; readonly term: number },
): Buffer {
  const { index, term } = entry;
  const cached = context.payloads.get(group.payloads, index, term);
  if (cached !== undefined) return cached;
  context.metrics.payloadsRead += 1;
  const key = group.keys.entry(index);
  const { meta, payload } = decodeEntry(key, index, context.store.get(key));
  if (meta.term !== term || meta.kind !== 'normal') {
    throw new RecordDamaged(`entry ${index} is of term ${meta.term}, not ${term}`);
  }
  return payload;
}
