/** Of an AccessKey: another value than before asks for a rotation. Of its Secret: the value that was obeyed last. */
export const ROTATE = 'trestle.dev/rotate';
/** Of the Secret of an AccessKey: since when its key is the one that it is, RFC 3339. */
export const ROTATED_AT = 'trestle.dev/rotated-at';

/** Labels of the Secrets of AccessKeys. */
export const KEY_LABELS = {
  'app.kubernetes.io/name': 'trestle',
  'app.kubernetes.io/managed-by': 'trestle-operator',
  'app.kubernetes.io/component': 'access',
} as const;

/** Data of the Secret `trestle-credentials`: whose keys are good, and what they are good for. */
export const CREDENTIALS = 'credentials';
export const POLICIES = 'policies';

/** The table in which the nodes of DaxClusters keep what all of them must know. */
export const DAX_REGISTRY_TABLE = 'trestle-dax-registry';

/**
 * What is published is taken to be with every router after this time: a kubelet looks at the Secrets of
 * a pod every 60 to 90 s (its syncFrequency with its jitter), a router is told when its files change. The
 * rest is for clocks of operators that differ: one publishes, another one may wait.
 */
export const PROPAGATION_MS = 120_000;
