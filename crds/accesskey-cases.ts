import type { CrdCase, Json } from './crd-trial.fixture.ts';

/** Manifests of AccessKeys, and what a real API server answers to them. */

const ann: Json = { subject: { kind: 'User', name: 'ann' } };
const everything: Json = {
  subject: { kind: 'Role', name: 'batch.jobs+=,@_-' },
  secretName: 'batch-key',
  state: 'Inactive',
  rotateAfterDays: 90,
  gracePeriodSeconds: 3600,
};

const SUBJECT_FIXED =
  'subject cannot be changed, since whoever has the key would become somebody else; create another AccessKey for another subject';
const SECRET_FIXED =
  'secretName cannot be set, changed or removed after creation; create another AccessKey for another Secret';
const TOO_LONG =
  'gracePeriodSeconds must not be longer than rotateAfterDays, or there would be a third key; lower it';
const RESERVED =
  "a Secret whose name begins with trestle- is the operator's own: set secretName to another name";

const secretFixed = ['spec.secretName', SECRET_FIXED] as const;
const subjectFixed = ['spec.subject', SUBJECT_FIXED] as const;
const reserved = ['spec.secretName', RESERVED] as const;

export const accessKeyCases: readonly CrdCase[] = [
  { name: 'a subject is enough', spec: ann, refusals: [] },
  { name: 'everything that can be said', spec: everything, refusals: [] },
  { name: 'no subject', spec: {}, refusals: [['spec.subject', 'Required value']] },
  {
    name: 'a subject without a kind',
    spec: { subject: { name: 'ann' } },
    refusals: [['spec.subject.kind', 'Required value']],
  },
  {
    name: 'a service account as subject: there is nothing that would take its tokens',
    spec: { subject: { kind: 'ServiceAccount', name: 'ann' } },
    refusals: [['spec.subject.kind', 'Unsupported value']],
  },
  {
    name: 'a name that no ARN can have',
    spec: { subject: { kind: 'User', name: 'ann/admin' } },
    refusals: [['spec.subject.name', 'should match']],
  },
  {
    name: 'a name of 64 characters',
    spec: { subject: { kind: 'User', name: 'a'.repeat(64) } },
    refusals: [],
  },
  {
    name: 'a name of 65 characters',
    spec: { subject: { kind: 'User', name: 'a'.repeat(65) } },
    refusals: [['spec.subject.name', 'Too long']],
  },
  {
    name: 'an unknown state',
    spec: { ...ann, state: 'Disabled' },
    refusals: [['spec.state', 'Unsupported value']],
  },
  {
    name: 'a secretName that no Secret can have',
    spec: { ...ann, secretName: 'Ann' },
    refusals: [['spec.secretName', 'should match']],
  },
  {
    name: "a secretName of the operator's",
    spec: { ...ann, secretName: 'trestle-credentials' },
    refusals: [reserved],
  },
  {
    name: "its own name is one of the operator's, and no secretName",
    spec: ann,
    metadataName: 'trestle-ca',
    refusals: [reserved],
  },
  {
    name: "its own name is one of the operator's, with another secretName",
    spec: { ...ann, secretName: 'ann' },
    metadataName: 'trestle-ca',
    refusals: [],
  },
  {
    name: 'rotation every 0 days',
    spec: { ...ann, rotateAfterDays: 0, gracePeriodSeconds: 0 },
    refusals: [['spec.rotateAfterDays', 'should be greater than or equal to 1']],
  },
  {
    name: 'a grace period of as long as a key lasts',
    spec: { ...ann, rotateAfterDays: 1, gracePeriodSeconds: 86_400 },
    refusals: [],
  },
  {
    name: 'a grace period of longer than a key lasts',
    spec: { ...ann, rotateAfterDays: 1, gracePeriodSeconds: 86_401 },
    refusals: [['spec.gracePeriodSeconds', TOO_LONG]],
  },
  {
    name: 'a negative grace period',
    spec: { ...ann, gracePeriodSeconds: -1 },
    refusals: [['spec.gracePeriodSeconds', 'should be greater than or equal to 0']],
  },
  {
    name: 'a grace period of more than 30 days',
    spec: { ...ann, gracePeriodSeconds: 2_592_001 },
    refusals: [['spec.gracePeriodSeconds', 'should be less than or equal to 2592000']],
  },
  {
    name: 'state, rotation and grace period may change',
    before: ann,
    spec: { ...ann, state: 'Inactive', rotateAfterDays: 30, gracePeriodSeconds: 0 },
    refusals: [],
  },
  {
    name: 'another name of the subject later',
    before: ann,
    spec: { subject: { kind: 'User', name: 'bob' } },
    refusals: [subjectFixed],
  },
  {
    name: 'another kind of subject later',
    before: ann,
    spec: { subject: { kind: 'Role', name: 'ann' } },
    refusals: [subjectFixed],
  },
  {
    name: 'a secretName later',
    before: ann,
    spec: { ...ann, secretName: 'ann-key' },
    refusals: [secretFixed],
  },
  {
    name: 'another secretName later',
    before: { ...ann, secretName: 'one' },
    spec: { ...ann, secretName: 'two' },
    refusals: [secretFixed],
  },
  {
    name: 'no secretName any more',
    before: { ...ann, secretName: 'one' },
    spec: ann,
    refusals: [secretFixed],
  },
];
