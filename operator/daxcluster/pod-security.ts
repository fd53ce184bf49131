import type { Json } from '../table/pod-overlay.ts';

/** Of the images: a user without a name or rights. */
const USER = 65532;

/** Pod Security "restricted", of a pod. */
export const podSecurity: Json = {
  runAsNonRoot: true,
  runAsUser: USER,
  runAsGroup: USER,
  fsGroup: USER,
  fsGroupChangePolicy: 'OnRootMismatch',
  seccompProfile: { type: 'RuntimeDefault' },
};

/** The same, of a container. */
export const containerSecurity: Json = {
  allowPrivilegeEscalation: false,
  capabilities: { drop: ['ALL'] },
  readOnlyRootFilesystem: true,
};
