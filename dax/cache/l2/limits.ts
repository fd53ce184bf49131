import assert from 'node:assert/strict';

/** Bounds of the second level, with their units. */

/** Redis that answers nothing for so long while it is asked counts as away. */
export const L2_TIMEOUT_MS = 50;
/** Connecting, and what follows before the connection is used. */
export const L2_CONNECT_TIMEOUT_MS = 2000;
/** A connection that is not used otherwise is tried so often. */
export const L2_PING_MS = 500;
/** Operations that wait for Redis; further reads go without L2. */
export const L2_PENDING_COUNT_MAX = 10_000;
/** Keys of one command, so that answers come in portions: 16 of the largest items are 6.4 MB. */
export const L2_COMMAND_KEYS_MAX = 16;

export const L2_RECONNECT_MS_MIN = 50;
export const L2_RECONNECT_MS_MAX = 2000;
/** A connection that lasted so long makes earlier losses forgotten. */
export const L2_SOUND_MS = 10_000;

/** A reader has so long to bring the value from the table; later it is not stored. */
export const LEASE_MS = 10_000;
/** A write has so long; later its value is not stored. */
export const MARK_MS = 60_000;
/** Where items never expire: what is never asked for is to go at some time. */
export const L2_TTL_MS_MAX = 24 * 3_600_000;

/** Longer keys are hashed. */
export const L2_KEY_BYTES_MAX = 256;

assert(L2_TIMEOUT_MS < L2_PING_MS, 'a ping has its answer, or none, before the next');
