import assert from 'node:assert/strict';

/** Bounds, and times in ms. All nodes of a cluster have the same lease and waits. */
export interface CoherenceLimits {
  /** The view is read so often. */
  readonly renewMs: number;
  /** A read or a change of the registry that takes longer is given up. */
  readonly registryMs: number;
  /** What a read of the view told holds so long, counted from when it was sent. */
  readonly leaseMs: number;
  /** After it, whoever had a lease has none any more, by any clock: see `CLOCK_RATE_SPREAD`. */
  readonly fenceMs: number;
  /** A joiner gives nothing out for so long: by then nobody acknowledges a write without knowing of it. */
  readonly joinMs: number;
  /** A member that leaves an invalidation unanswered for so long is excluded. */
  readonly ackMs: number;
  /** So is one that is not heard of for so long. */
  readonly deadMs: number;
  /** More patience of a node that hears most of the others no more: it may be the one that is cut off. */
  readonly cautionMs: number;
  readonly pingMs: number;
  readonly tickMs: number;
  /** A write that cannot be acknowledged after this time is answered as uncertain. */
  readonly invalidateMs: number;
  /** A handshake with a peer. */
  readonly helloMs: number;
  readonly redialMsMax: number;
  /** How long a joiner tries to reach the members before it joins all the same. */
  readonly reachMs: number;
  /** The longest wait of a node that is excluded again and again. */
  readonly rejoinMsMax: number;
  /** A membership that lasted so long makes former exclusions forgotten. */
  readonly soundMs: number;
  /** `close` waits so long for writes under way, and again so long for the registry. */
  readonly closeMs: number;
  /** New members are told of uncertain writes of this time. */
  readonly holdMs: number;
  readonly holdsMax: number;
  /** Invalidations that are not acknowledged everywhere. */
  readonly logEntriesMax: number;
  readonly logBytesMax: number;
  /** Invalidations on their way to one peer; further ones wait for its acknowledgements. */
  readonly windowBytesMax: number;
}

/** A lease, as README.md explains it. */
export const LEASE_MS = 2_000;

/** Outlasts any lease by any clock. So long after a node has learned of a new generation, nobody acknowledges by an older one. */
export const L2_SETTLE_MS = 2_060;

/** Clocks of two machines run at rates that differ by up to 1 % each way, and a margin for timers' grain. */
export const CLOCK_RATE_SPREAD = 0.03;

export const defaultCoherenceLimits: CoherenceLimits = {
  renewMs: 500,
  registryMs: 1_000,
  leaseMs: LEASE_MS,
  fenceMs: L2_SETTLE_MS,
  joinMs: L2_SETTLE_MS,
  ackMs: 1_000,
  deadMs: 2_000,
  cautionMs: 1_500,
  pingMs: 300,
  tickMs: 100,
  invalidateMs: 10_000,
  helloMs: 2_000,
  redialMsMax: 1_000,
  reachMs: 3_000,
  rejoinMsMax: 30_000,
  soundMs: 60_000,
  closeMs: 3_000,
  holdMs: 30_000,
  holdsMax: 10_000,
  logEntriesMax: 100_000,
  logBytesMax: 64 * 1024 * 1024,
  windowBytesMax: 4 * 1024 * 1024,
};

const { leaseMs, fenceMs, joinMs, renewMs, registryMs, ackMs, invalidateMs, deadMs, pingMs } =
  defaultCoherenceLimits;
assert(fenceMs >= leaseMs * (1 + CLOCK_RATE_SPREAD), 'a fence outlasts any lease');
assert(joinMs >= leaseMs * (1 + CLOCK_RATE_SPREAD), 'a joiner outwaits any lease');
assert(renewMs + registryMs < leaseMs, 'one lost read does not end a lease');
assert(3 * ackMs + 2 * fenceMs < invalidateMs, 'a write outlives an exclusion');
assert(3 * pingMs < deadMs, 'one lost ping kills nobody');
