import { expect, test } from 'vitest';
import { merged, overlayFault, storageRules } from './pod-overlay.ts';

const owned = { 'trestle.dev/slot': '0' };
const container = (more: object) => ({ spec: { containers: [{ name: 'storage', ...more }] } });

test.each([
  [
    'labels',
    { metadata: { labels: { 'trestle.dev/slot': '1' } } },
    'podTemplate.metadata.labels[trestle.dev/slot]',
  ],
  ['the host network', { spec: { hostNetwork: true } }, 'podTemplate.spec.hostNetwork'],
  [
    'a token',
    { spec: { automountServiceAccountToken: true } },
    'podTemplate.spec.automountServiceAccountToken',
  ],
  [
    'root',
    { spec: { securityContext: { runAsUser: 0 } } },
    'podTemplate.spec.securityContext.runAsUser',
  ],
  [
    'no seccomp',
    { spec: { securityContext: { seccompProfile: { type: 'Unconfined' } } } },
    'seccompProfile',
  ],
  [
    'the zone',
    {
      spec: { affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: {} } } },
    },
    'nodeAffinity',
  ],
  [
    'an owned volume',
    { spec: { volumes: [{ name: 'data', emptyDir: {} }] } },
    'podTemplate.spec.volumes[name=data]',
  ],
  ['a host path', { spec: { volumes: [{ name: 'own', hostPath: { path: '/' } }] } }, 'hostPath'],
  ['ports', container({ ports: [] }), 'podTemplate.spec.containers[name=storage].ports'],
  ['the image', container({ image: 'other' }), 'containers[name=storage].image'],
  ['the command', container({ args: [] }), 'containers[name=storage].args'],
  ['privilege', container({ securityContext: { privileged: true } }), 'securityContext.privileged'],
  [
    'capabilities',
    container({ securityContext: { capabilities: { add: ['NET_ADMIN'] } } }),
    'securityContext.capabilities',
  ],
  [
    'a writable root',
    container({ securityContext: { readOnlyRootFilesystem: false } }),
    'readOnlyRootFilesystem',
  ],
  [
    'a mount over data',
    container({ volumeMounts: [{ name: 'own', mountPath: '/var/lib/trestle/x' }] }),
    'volumeMounts',
  ],
  [
    'a mount over all',
    container({ volumeMounts: [{ name: 'own', mountPath: '/' }] }),
    'volumeMounts',
  ],
  ['the name', container({ env: [{ name: 'POD_NAME', value: 'x' }] }), 'env[name=POD_NAME]'],
  [
    'keys for a sidecar',
    { spec: { containers: [{ name: 'spy', volumeMounts: [{ name: 'tls', mountPath: '/k' }] }] } },
    'volumeMounts[name=tls]',
  ],
  [
    'a host port',
    { spec: { containers: [{ name: 'spy', ports: [{ hostPort: 1 }] }] } },
    'hostPort',
  ],
] as const)('%s cannot be laid over', (_, overlay, field) => {
  expect(overlayFault(overlay, owned, storageRules)).toContain(field);
});

test.each([
  ['nothing', {}],
  [
    'labels and annotations',
    { metadata: { labels: { team: 'records' }, annotations: { a: 'b' } } },
  ],
  [
    'environment and resources',
    container({ env: [{ name: 'NODE_OPTIONS', value: 'x' }], resources: {} }),
  ],
  [
    'a sidecar',
    {
      spec: {
        containers: [
          { name: 'logs', image: 'logs:1', volumeMounts: [{ name: 'tmp', mountPath: '/tmp' }] },
        ],
      },
    },
  ],
  ['another user', { spec: { securityContext: { runAsUser: 1000, fsGroup: 1000 } } }],
  [
    'a preferred place',
    {
      spec: { affinity: { nodeAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [] } } },
    },
  ],
])('%s can be laid over', (_, overlay) => {
  expect(overlayFault(overlay, owned, storageRules)).toBeUndefined();
});

test('named things are merged by name, other lists of objects joined, anything else replaced', () => {
  const base = {
    containers: [{ name: 'storage', env: [{ name: 'A', value: '1' }], args: ['x'] }],
    tolerations: [{ key: 'a' }],
    grace: 1,
  };
  const overlay = {
    containers: [
      {
        name: 'storage',
        env: [
          { name: 'B', value: '2' },
          { name: 'A', value: '3' },
        ],
      },
      { name: 'logs' },
    ],
    tolerations: [{ key: 'b' }],
    grace: 2,
  };
  expect(merged(base, overlay)).toEqual({
    containers: [
      {
        name: 'storage',
        env: [
          { name: 'A', value: '3' },
          { name: 'B', value: '2' },
        ],
        args: ['x'],
      },
      { name: 'logs' },
    ],
    tolerations: [{ key: 'a' }, { key: 'b' }],
    grace: 2,
  });
});
