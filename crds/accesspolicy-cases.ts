import type { CrdCase, Json } from './crd-trial.fixture.ts';

/** Manifests of AccessPolicies, and what a real API server answers to them. */

const statement: Json = {
  effect: 'Allow',
  actions: ['dynamodb:GetItem', 'dynamodb:Batch*', 'dax:*', '*'],
  resources: [
    'table/Music',
    'table/Music/index/*',
    'cache/front',
    'arn:aws:dynamodb:*:*:table/?',
    '*',
  ],
};
const ann = { kind: 'User', name: 'ann' };
const readers: Json = { statements: [statement], subjects: [ann] };
const document: Json = { policyDocument: '{"Statement": []}', subjects: [ann] };
const stating = (change: Json): Json => ({ ...readers, statements: [{ ...statement, ...change }] });
const without = (member: string, change: Json = {}): Json => {
  const { [member]: _, ...rest } = statement;
  return { ...readers, statements: [{ ...rest, ...change }] };
};

const ONE_OF_ACTIONS = 'set exactly one of actions and notActions';
const ONE_OF_RESOURCES = 'set exactly one of resources and notResources';
const ONE_OF_FORMS = 'set exactly one of policyDocument and statements';

export const accessPolicyCases: readonly CrdCase[] = [
  { name: 'statements with subjects', spec: readers, refusals: [] },
  { name: 'a document with subjects', spec: document, refusals: [] },
  {
    name: 'everything that a statement can say',
    spec: stating({
      sid: 'ReadMusic',
      condition: {
        'ForAllValues:StringEquals': { 'dynamodb:LeadingKeys': ['ann'] },
        Bool: { 'aws:SecureTransport': ['true'] },
      },
    }),
    refusals: [],
  },
  {
    name: 'all actions and resources but some',
    spec: {
      ...readers,
      statements: [{ effect: 'Deny', notActions: ['dynamodb:*'], notResources: ['table/Music'] }],
    },
    refusals: [],
  },
  {
    name: 'no subjects: a DaxCluster may have it as its roleRef',
    spec: { statements: [statement] },
    refusals: [],
  },
  {
    name: 'every kind of subject',
    spec: {
      ...readers,
      subjects: ['AccessKey', 'User', 'Role', 'DaxCluster'].map((kind) => ({ kind, name: 'a.b' })),
    },
    refusals: [],
  },
  {
    name: 'neither a document nor statements',
    spec: { subjects: [ann] },
    refusals: [['spec', ONE_OF_FORMS]],
  },
  {
    name: 'both a document and statements',
    spec: { ...readers, ...document },
    refusals: [['spec', ONE_OF_FORMS]],
  },
  {
    name: 'an empty list of statements',
    spec: { ...readers, statements: [] },
    refusals: [['spec.statements', 'should have at least 1 items']],
  },
  {
    name: 'an empty document',
    spec: { ...document, policyDocument: '' },
    refusals: [['spec.policyDocument', 'should be at least 1 chars long']],
  },
  {
    name: 'a document of more than 20480 characters',
    spec: { ...document, policyDocument: ' '.repeat(20_481) },
    refusals: [['spec.policyDocument', 'Too long']],
  },
  {
    name: 'a service account as subject: there is nothing that would take its tokens',
    spec: { ...readers, subjects: [{ kind: 'ServiceAccount', name: 'app' }] },
    refusals: [['spec.subjects[0].kind', 'Unsupported value: "ServiceAccount"']],
  },
  {
    name: 'a subject twice',
    spec: { ...readers, subjects: [ann, ann] },
    refusals: [['spec.subjects[1]', 'Duplicate value']],
  },
  {
    name: 'one name as user and as role',
    spec: { ...readers, subjects: [ann, { kind: 'Role', name: 'ann' }] },
    refusals: [],
  },
  {
    name: 'a name that no principal can have',
    spec: { ...readers, subjects: [{ kind: 'User', name: '*' }] },
    refusals: [['spec.subjects[0].name', 'should match']],
  },
  {
    name: 'an AccessKey of a long name',
    spec: { ...readers, subjects: [{ kind: 'AccessKey', name: 'a'.repeat(253) }] },
    refusals: [],
  },
  {
    name: 'a user of more than 64 characters',
    spec: { ...readers, subjects: [{ kind: 'User', name: 'a'.repeat(65) }] },
    refusals: [
      ['spec.subjects[0].name', 'the name of a User or Role may have at most 64 characters'],
    ],
  },
  {
    name: 'a statement without an effect',
    spec: without('effect'),
    refusals: [['spec.statements[0].effect', 'Required value']],
  },
  {
    name: 'an effect in small letters',
    spec: stating({ effect: 'allow' }),
    refusals: [['spec.statements[0].effect', 'Unsupported value']],
  },
  {
    name: 'a statement without actions',
    spec: without('actions'),
    refusals: [['spec.statements[0]', ONE_OF_ACTIONS]],
  },
  {
    name: 'actions and notActions',
    spec: stating({ notActions: ['dax:*'] }),
    refusals: [['spec.statements[0]', ONE_OF_ACTIONS]],
  },
  {
    name: 'a statement without resources',
    spec: without('resources'),
    refusals: [['spec.statements[0]', ONE_OF_RESOURCES]],
  },
  {
    name: 'resources and notResources',
    spec: stating({ notResources: ['*'] }),
    refusals: [['spec.statements[0]', ONE_OF_RESOURCES]],
  },
  {
    name: 'an action without its service',
    spec: stating({ actions: ['GetItem'] }),
    refusals: [['spec.statements[0].actions[0]', 'should match']],
  },
  {
    name: 'an empty list of actions',
    spec: stating({ actions: [] }),
    refusals: [['spec.statements[0].actions', 'should have at least 1 items']],
  },
  {
    name: 'a resource that is neither ARN nor table nor cache',
    spec: stating({ resources: ['Music'] }),
    refusals: [['spec.statements[0].resources[0]', 'should match']],
  },
  {
    name: 'a sid with a blank',
    spec: stating({ sid: 'Read Music' }),
    refusals: [['spec.statements[0].sid', 'should match']],
  },
  {
    name: 'a condition with a value that is no list',
    spec: stating({ condition: { StringEquals: { 'aws:username': 'ann' } } }),
    refusals: [['spec.statements[0].condition.StringEquals.aws:username', 'must be of type array']],
  },
  {
    name: 'a condition with a value that is no text',
    spec: stating({ condition: { Bool: { 'aws:SecureTransport': [true] } } }),
    refusals: [
      ['spec.statements[0].condition.Bool.aws:SecureTransport[0]', 'must be of type string'],
    ],
  },
  {
    name: 'from statements to a document',
    before: readers,
    spec: document,
    refusals: [],
  },
];
