/**
 * What a key of L2 holds: one byte that says what, then the rest.
 *
 * | byte | cell | rest |
 * |---|---|---|
 * | v | value | the entry as in L1: time, then `encodeItemValues` |
 * | l | lease | a reader's token: it has found nothing, asks the table, and may store while its lease is there |
 * | w | mark | a writer's token: it is about to write the table, and may store while its mark is there |
 * | x | contended | writers under way, none of which may store |
 * | h | hold | a write that may still be done: nobody stores until it has gone |
 */
export const cells = {
  value: 'v',
  lease: 'l',
  mark: 'w',
  contended: 'x',
  hold: 'h',
} as const;

/** First bytes as numbers, for what Redis sent. */
export const VALUE_BYTE = cells.value.charCodeAt(0);
export const HOLD_BYTE = cells.hold.charCodeAt(0);
