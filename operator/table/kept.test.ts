import { expect, test } from 'vitest';
import type { KubeObject } from '../../dataplane/kubernetes/object.ts';
import { keptOfChild } from './kept.ts';

const metadata = {
  name: 'music-1-z0',
  namespace: 'shop',
  uid: 'uid',
  resourceVersion: '7',
  generation: 2,
  labels: { a: 'b' },
  annotations: { c: 'd' },
};
const whole = {
  ...metadata,
  managedFields: [],
  ownerReferences: [{ apiVersion: 'v1', kind: 'Table', name: 'music', uid: 'u' }],
};
const kept = (object: Omit<KubeObject, 'metadata'> & Readonly<Record<string, unknown>>) =>
  keptOfChild({ ...object, metadata: whole });

test('of a StatefulSet stays what rollouts and growth look at', () => {
  const containers = [{ name: 'storage', image: 'trestle:1', args: ['x'] }];
  const claim = {
    accessModes: ['ReadWriteOnce'],
    resources: { requests: { storage: '1Gi' } },
  };
  const spec = {
    replicas: 1,
    updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 1 } },
    template: { metadata: {}, spec: { containers, volumes: [] } },
    volumeClaimTemplates: [{ metadata: {}, spec: claim }],
  };
  const status = { observedGeneration: 2, currentRevision: 'x-1', replicas: 1 };
  expect(kept({ apiVersion: 'apps/v1', kind: 'StatefulSet', spec, status })).toEqual({
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata,
    spec: {
      replicas: 1,
      updateStrategy: spec.updateStrategy,
      template: { spec: { containers: [{ name: 'storage', image: 'trestle:1' }] } },
      volumeClaimTemplates: [{ spec: { resources: claim.resources } }],
    },
    status: { observedGeneration: 2, currentRevision: 'x-1' },
  });
});

test('of a pod stays where it runs, its image and how it is', () => {
  const state = { waiting: { reason: 'ImagePullBackOff' } };
  const conditions = [{ type: 'Ready', status: 'False' }];
  const spec = {
    nodeName: 'machine-1',
    containers: [{ name: 'storage', image: 'trestle:1', ports: [] }],
    volumes: [],
  };
  const status = {
    ...{ phase: 'Pending', podIP: '10.0.0.1', podIPs: [], conditions },
    containerStatuses: [{ name: 'storage', imageID: 'x', restartCount: 2, state }],
  };
  expect(kept({ apiVersion: 'v1', kind: 'Pod', spec, status })).toEqual({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata,
    spec: { nodeName: 'machine-1', containers: [{ name: 'storage', image: 'trestle:1' }] },
    status: {
      ...{ phase: 'Pending', podIP: '10.0.0.1', conditions },
      containerStatuses: [{ name: 'storage', restartCount: 2, state }],
    },
  });
});

test('of a claim that has no status yet stays its spec', () => {
  const spec = { accessModes: [], resources: { requests: { storage: '1Gi' } } };
  expect(kept({ apiVersion: 'v1', kind: 'PersistentVolumeClaim', spec })).toEqual({
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata,
    spec: { resources: spec.resources },
    status: {},
  });
});

test('of a topology stays its data; of others, that they are there', () => {
  const data = { 'topology.json': '{}' };
  expect(kept({ apiVersion: 'v1', kind: 'ConfigMap', data })).toEqual({
    ...{ apiVersion: 'v1', kind: 'ConfigMap', metadata, data },
  });
  expect(kept({ apiVersion: 'v1', kind: 'Service', spec: { clusterIP: 'None' } })).toEqual({
    ...{ apiVersion: 'v1', kind: 'Service', metadata },
  });
});
