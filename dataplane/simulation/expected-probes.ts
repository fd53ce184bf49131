/** Rare branches that simulations should come by: a run says which it never took. */
export const expectedProbes: readonly string[] = [
  // replication/
  'appendSplit',
  'coreTooLarge',
  'groupRecreated',
  'halted',
  'logCompacted',
  'logTruncated',
  'replicaFailed',
  'snapshotDiscarded',
  'snapshotExpired',
  'snapshotFailed',
  'snapshotInstalled',
  'snapshotNotWanted',
  'transfer',
  'turnBytesExceeded',
  'voteGuarded',
  // node/
  'expiredCall',
  'leaderRebuilt',
  'leadershipConfirmed',
  'readWithoutLease',
  'repeatedFeed',
  'repeatedWrite',
];
