import { describe, expect, it } from 'vitest';
import type { ManagedFields } from '../../dataplane/kubernetes/object.ts';
import { ownedFields, ownsAll } from './owned-fields.ts';

const entry = (manager: string, fieldsV1: ManagedFields['fieldsV1'], subresource?: string) => ({
  manager,
  operation: 'Apply' as const,
  apiVersion: 'apps/v1',
  fieldsType: 'FieldsV1',
  time: '2026-11-27T15:00:00Z',
  fieldsV1,
  ...(subresource !== undefined && { subresource }),
});
const applied = {
  apiVersion: 'apps/v1',
  kind: 'StatefulSet',
  metadata: { name: 'a', labels: { app: 'trestle' }, annotations: {} },
  spec: {
    replicas: 1,
    accessModes: ['ReadWriteOnce'],
    finalizers: ['x'],
    ports: [{ port: 8002, name: 'peers' }],
    volume: { emptyDir: {} },
  },
};
/** As the API server answers for it. */
const spec = {
  'f:replicas': {},
  'f:accessModes': {},
  'f:finalizers': { 'v:"x"': {} },
  'f:ports': { 'k:{"port":8002,"protocol":"TCP"}': { '.': {}, 'f:name': {}, 'f:port': {} } },
  'f:volume': { 'f:emptyDir': {} },
};
const labels = { 'f:labels': { 'f:app': {} } };
const whole = entry('trestle-operator', { 'f:metadata': labels, 'f:spec': spec });
const owns = (...entries: ManagedFields[]) => ownsAll(ownedFields(entries), applied);

describe('what was applied', () => {
  it('is owned as long as nobody changes it, whatever others own besides', () => {
    expect(owns(whole, entry('kubectl', { 'f:spec': { 'f:replicas': {} } }))).toBe(true);
  });

  it.each([
    ['a value', { 'f:replicas': undefined }],
    ['a list as a whole', { 'f:accessModes': undefined }],
    ['an element of a set', { 'f:finalizers': { 'v:"y"': {} } }],
    [
      'an element with keys',
      { 'f:ports': { 'k:{"port":8003,"protocol":"TCP"}': { 'f:name': {} } } },
    ],
    [
      'a member of such an element',
      { 'f:ports': { 'k:{"port":8002}': { '.': {}, 'f:port': {} } } },
    ],
  ])('is not when somebody takes %s', (_, change) => {
    const entries = Object.entries({ ...spec, ...change }).filter(
      ([, fields]) => fields !== undefined,
    );
    const left = entry('trestle-operator', {
      'f:metadata': labels,
      'f:spec': Object.fromEntries(entries),
    });
    expect(owns(left)).toBe(false);
  });

  it('is not when somebody takes a label, or nothing is known', () => {
    expect(owns(entry('trestle-operator', { 'f:spec': spec }))).toBe(false);
    expect(owns()).toBe(false);
  });

  it('may be owned in parts, as where an admission webhook has changed what the operator sent', () => {
    const { 'f:replicas': replicas, ...rest } = spec;
    const update = entry('trestle-operator', { 'f:spec': { 'f:replicas': replicas } });
    const others = entry('trestle-operator', { 'f:metadata': labels, 'f:spec': rest });
    expect(owns(others, update)).toBe(true);
  });
});

it('what is owned of a status says nothing, and objects that own the same share it', () => {
  const status = entry('trestle-operator', { 'f:spec': spec }, 'status');
  expect(ownedFields([status, entry('kubectl', { 'f:spec': spec })])).toEqual([]);
  const later = { ...whole, time: '2026-11-28T15:00:00Z' };
  expect(ownedFields([later])).toBe(ownedFields([whole]));
});
