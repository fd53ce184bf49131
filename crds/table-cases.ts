import type { CrdCase, Json } from './crd-trial.fixture.ts';

/** Manifests of Tables, and what a real API server answers to them. */

const artist = { attributeName: 'Artist', attributeType: 'S' };
const title = { attributeName: 'SongTitle', attributeType: 'S' };
const year = { attributeName: 'Year', attributeType: 'N' };
const cover = { attributeName: 'Cover', attributeType: 'B' };
const hash = (attributeName: string) => ({ attributeName, keyType: 'HASH' });
const range = (attributeName: string) => ({ attributeName, keyType: 'RANGE' });
const all = { projectionType: 'ALL' };
const units = { readCapacityUnits: 5, writeCapacityUnits: 5 };

/** Artist and SongTitle, on demand. */
const music: Json = {
  tableName: 'Music',
  attributeDefinitions: [artist, title],
  keySchema: [hash('Artist'), range('SongTitle')],
  billingMode: 'PAY_PER_REQUEST',
};
const provisioned: Json = { ...music, billingMode: 'PROVISIONED', provisionedThroughput: units };
/** Artist alone. */
const artists: Json = { ...music, attributeDefinitions: [artist], keySchema: [hash('Artist')] };

const byYear = { indexName: 'ByYear', keySchema: [hash('Year')], projection: all };
const withIndex = (index: Json): Json => ({
  ...music,
  attributeDefinitions: [artist, title, year],
  globalSecondaryIndexes: [{ ...byYear, ...index }],
});
const localByYear = {
  indexName: 'LocalByYear',
  keySchema: [hash('Artist'), range('Year')],
  projection: all,
};
const withLocalIndex = (index: Json): Json => ({
  ...music,
  attributeDefinitions: [artist, title, year],
  localSecondaryIndexes: [{ ...localByYear, ...index }],
});
const provisionedIndex = (index: Json): Json => ({
  ...withIndex(index),
  billingMode: 'PROVISIONED',
  provisionedThroughput: units,
});
const attributes = (count: number, prefix = 'a') =>
  Array.from({ length: count }, (_, number) => `${prefix}${number}`);
/** A table whose only global index has these key attributes. */
const withKey = (hashes: readonly string[], ranges: readonly string[]): Json => ({
  ...artists,
  attributeDefinitions: [
    artist,
    ...[...hashes, ...ranges].map((name) => ({ ...artist, attributeName: name })),
  ],
  globalSecondaryIndexes: [
    { indexName: 'Many', keySchema: [...hashes.map(hash), ...ranges.map(range)], projection: all },
  ],
});
const including = (count: number) => ({
  projectionType: 'INCLUDE',
  nonKeyAttributes: attributes(count),
});
const indexesIncluding = (counts: readonly number[]): Json => ({
  ...withIndex({}),
  globalSecondaryIndexes: counts.map((count, number) => ({
    ...byYear,
    indexName: `Index${number}`,
    projection: including(count),
  })),
});
const tolerating = (toleration: Json): Json => ({
  ...music,
  placement: { tolerations: [toleration] },
});

/** Everything that a Table can say in on-demand mode. */
const everything: Json = {
  ...music,
  attributeDefinitions: [artist, title, year, cover],
  onDemandThroughput: { maxReadRequestUnits: 1000, maxWriteRequestUnits: 500 },
  warmThroughput: { readUnitsPerSecond: 13_000, writeUnitsPerSecond: 5000 },
  globalSecondaryIndexes: [
    {
      ...byYear,
      keySchema: [hash('Year'), hash('Artist'), range('SongTitle')],
      projection: { projectionType: 'INCLUDE', nonKeyAttributes: ['Genre', 'Price'] },
      onDemandThroughput: { maxReadRequestUnits: 100 },
      warmThroughput: { readUnitsPerSecond: 13_000 },
    },
    {
      indexName: 'ByCover',
      keySchema: [hash('Cover')],
      projection: { projectionType: 'KEYS_ONLY' },
    },
  ],
  localSecondaryIndexes: [localByYear],
  timeToLive: { enabled: true, attributeName: 'ExpiresAt' },
  streamSpecification: { streamEnabled: true, streamViewType: 'NEW_AND_OLD_IMAGES' },
  triggers: [
    {
      name: 'audit-trail',
      target: {
        service: { name: 'audit', namespace: 'apps', port: 8443, path: '/hook', scheme: 'https' },
      },
      caBundleRef: { kind: 'Secret', name: 'authorities', key: 'root.pem' },
      authSecretRef: { name: 'hook', key: 'token', scheme: 'BEARER' },
      enabled: false,
      batchSize: 10_000,
      maximumBatchingWindowSeconds: 300,
      startingPosition: 'TRIM_HORIZON',
      parallelizationFactor: 10,
      maximumRetryAttempts: 10_000,
      maximumRecordAgeSeconds: 604_800,
      bisectBatchOnFunctionError: true,
      reportBatchItemFailures: true,
      filterPatterns: ['{"eventName":["INSERT"]}', '{"eventName":["REMOVE"]}'],
      timeoutSeconds: 900,
      deadLetter: {
        target: { url: 'https://dead.example.com:8443/letters?kind=audit' },
        caBundleRef: { name: 'authorities' },
        authSecretRef: { name: 'hook', key: 'hmac' },
      },
    },
    { name: 'b', target: { service: { name: 'sink' } } },
  ],
  tableClass: 'STANDARD_INFREQUENT_ACCESS',
  deletionProtectionEnabled: true,
  deletionPolicy: 'Delete',
  tags: [
    { key: 'team', value: 'music and film' },
    { key: 'größe', value: '' },
  ],
  storage: { storageClassName: 'fast', size: '20Gi' },
  placement: {
    replicationFactor: 5,
    zones: ['a', 'b', 'c', 'd', 'e'],
    topologyKey: 'example.com/rack',
    whenZonesInsufficient: 'Wait',
    hostAntiAffinity: 'Required',
    nodeSelector: { disk: 'nvme' },
    tolerations: [{ key: 'dedicated', operator: 'Equal', value: 'tables', effect: 'NoSchedule' }],
    priorityClassName: 'tables',
    resources: { requests: { cpu: '500m', memory: '1Gi' }, limits: { cpu: 2, memory: '1Gi' } },
  },
  podTemplate: {
    metadata: { labels: { team: 'music' }, annotations: { 'example.com/scrape': 'true' } },
    spec: { terminationGracePeriodSeconds: 60 },
  },
};

const hook = { name: 'hook', target: { url: 'https://hook.example.com/' } };
function withTrigger(change: Json): Json {
  const streamSpecification = { streamEnabled: true, streamViewType: 'KEYS_ONLY' };
  return { ...music, streamSpecification, triggers: [{ ...hook, ...change }] };
}

const accepted: readonly CrdCase[] = [
  { name: 'an on-demand table with a sort key', spec: music, refusals: [] },
  { name: 'a provisioned table', spec: provisioned, refusals: [] },
  { name: 'a table without a sort key', spec: artists, refusals: [] },
  { name: 'everything that can be said', spec: everything, refusals: [] },
  {
    name: 'a provisioned table whose index has units',
    spec: provisionedIndex({ provisionedThroughput: units }),
    refusals: [],
  },
  {
    name: 'an index of 4 HASH and 4 RANGE attributes',
    spec: withKey(attributes(4, 'h'), attributes(4, 'r')),
    refusals: [],
  },
  {
    name: '100 projected names over five indexes',
    spec: indexesIncluding([20, 20, 20, 20, 20]),
    refusals: [],
  },
  {
    name: 'empty lists of indexes',
    spec: { ...music, globalSecondaryIndexes: [], localSecondaryIndexes: [] },
    refusals: [],
  },
  {
    name: 'time to live off without an attribute',
    spec: { ...music, timeToLive: { enabled: false } },
    refusals: [],
  },
  {
    name: 'a stream that is off',
    spec: { ...music, streamSpecification: { streamEnabled: false } },
    refusals: [],
  },
  {
    name: 'an empty list of triggers without a stream',
    spec: { ...music, triggers: [] },
    refusals: [],
  },
  { name: 'a trigger', spec: withTrigger({}), refusals: [] },
  {
    name: '16 triggers',
    spec: {
      ...withTrigger({}),
      triggers: Array.from({ length: 16 }, (_, at) => ({ ...hook, name: `hook-${at}` })),
    },
    refusals: [],
  },
  {
    name: 'storage of exactly 256Mi',
    spec: { ...music, storage: { size: '256Mi' } },
    refusals: [],
  },
  {
    name: 'storage as a plain number of bytes',
    spec: { ...music, storage: { size: 10_000_000_000 } },
    refusals: [],
  },
  {
    name: 'a single replica',
    spec: { ...music, placement: { replicationFactor: 1 } },
    refusals: [],
  },
  {
    name: 'too few zones with Colocate',
    spec: { ...music, placement: { zones: ['a'] } },
    refusals: [],
  },
  {
    name: 'Wait without zones',
    spec: { ...music, placement: { whenZonesInsufficient: 'Wait' } },
    refusals: [],
  },
  { name: 'a toleration of everything', spec: tolerating({ operator: 'Exists' }), refusals: [] },
  {
    name: 'a toleration for an hour',
    spec: tolerating({ key: 'k', effect: 'NoExecute', tolerationSeconds: 3600 }),
    refusals: [],
  },
  { name: 'a name of 63 characters', spec: music, metadataName: 'a'.repeat(63), refusals: [] },
  {
    name: "a label of app.kubernetes.io that is not the operator's",
    spec: {
      ...music,
      podTemplate: { metadata: { labels: { 'app.kubernetes.io/part-of': 'shop' } } },
    },
    refusals: [],
  },
];

const NAME_MESSAGE =
  "metadata.name must be at most 63 of a-z, 0-9 and '-', begin with a letter and not end with '-', since Services are named by it; the name for clients is tableName";

const names: readonly CrdCase[] = [
  {
    name: 'a metadata.name with a dot',
    spec: music,
    metadataName: 'my.music',
    refusals: [['metadata.name', NAME_MESSAGE]],
  },
  {
    name: 'a metadata.name that begins with a digit',
    spec: music,
    metadataName: '1music',
    refusals: [['metadata.name', NAME_MESSAGE]],
  },
  {
    name: 'a metadata.name of 64 characters',
    spec: music,
    metadataName: 'a'.repeat(64),
    refusals: [['metadata.name', NAME_MESSAGE]],
  },
  {
    name: 'no tableName',
    spec: { ...music, tableName: undefined },
    refusals: [['spec.tableName', 'Required value']],
  },
  {
    name: 'a tableName of 2 characters',
    spec: { ...music, tableName: 'ab' },
    refusals: [['spec.tableName', 'at least 3 chars long']],
  },
  {
    name: 'a tableName with a space',
    spec: { ...music, tableName: 'my music' },
    refusals: [['spec.tableName', "should match '^[a-zA-Z0-9_.-]+$'"]],
  },
];

const keys: readonly CrdCase[] = [
  {
    name: 'no keySchema',
    spec: { ...music, keySchema: undefined },
    refusals: [['spec.keySchema', 'Required value']],
  },
  {
    name: 'a keySchema of three',
    spec: { ...music, keySchema: [hash('Artist'), range('SongTitle'), range('Year')] },
    refusals: [['spec.keySchema', 'must have at most 2 items']],
  },
  {
    name: 'the sort key first',
    spec: { ...music, keySchema: [range('Artist'), range('SongTitle')] },
    refusals: [['spec.keySchema', 'keySchema must begin with an element of keyType HASH']],
  },
  {
    name: 'two HASH attributes',
    spec: { ...music, keySchema: [hash('Artist'), hash('SongTitle')] },
    refusals: [
      [
        'spec.keySchema',
        'keySchema: the second element must have keyType RANGE and another attributeName than the first',
      ],
    ],
  },
  {
    name: 'the same attribute twice in the key',
    spec: { ...artists, keySchema: [hash('Artist'), range('Artist')] },
    refusals: [
      [
        'spec.keySchema',
        'keySchema: the second element must have keyType RANGE and another attributeName than the first',
      ],
    ],
  },
  {
    name: 'a key attribute without a definition',
    spec: { ...music, attributeDefinitions: [artist] },
    refusals: [['spec.keySchema', 'attributeDefinitions must list every attribute of keySchema']],
  },
  {
    name: 'a definition that no key uses',
    spec: { ...music, attributeDefinitions: [artist, title, year] },
    refusals: [
      [
        'spec.attributeDefinitions',
        'attributeDefinitions must list only attributes that the table key or an index uses; remove the others',
      ],
    ],
  },
  {
    name: 'a definition twice',
    spec: { ...music, attributeDefinitions: [artist, title, title] },
    refusals: [['spec.attributeDefinitions[2]', 'Duplicate value']],
  },
  {
    name: 'an attribute type of the item model',
    spec: { ...music, attributeDefinitions: [artist, { ...title, attributeType: 'BOOL' }] },
    refusals: [['spec.attributeDefinitions[1].attributeType', 'supported values: "S", "N", "B"']],
  },
  {
    name: 'an N that YAML has made false',
    spec: { ...music, attributeDefinitions: [artist, { ...title, attributeType: false }] },
    refusals: [
      ['spec.attributeDefinitions[1].attributeType', 'must be of type string'],
      ['spec.attributeDefinitions[1].attributeType', 'supported values: "S", "N", "B"'],
    ],
  },
];

const globalIndexes: readonly CrdCase[] = [
  {
    name: 'an index key without a definition',
    spec: { ...withIndex({}), attributeDefinitions: [artist, title] },
    refusals: [
      [
        'spec.globalSecondaryIndexes',
        'attributeDefinitions must list every key attribute of globalSecondaryIndexes',
      ],
    ],
  },
  {
    name: 'an index key that begins with RANGE',
    spec: withIndex({ keySchema: [range('Year')] }),
    refusals: [
      [
        'spec.globalSecondaryIndexes[0].keySchema',
        'keySchema must begin with an element of keyType HASH',
      ],
    ],
  },
  {
    name: 'an index key with HASH after RANGE',
    spec: withIndex({ keySchema: [hash('Year'), range('SongTitle'), hash('Artist')] }),
    refusals: [
      [
        'spec.globalSecondaryIndexes[0].keySchema',
        'keySchema must list its HASH elements before its RANGE elements',
      ],
    ],
  },
  {
    name: 'an index key with 5 HASH attributes',
    spec: withKey(attributes(5, 'h'), []),
    refusals: [
      [
        'spec.globalSecondaryIndexes[0].keySchema',
        'keySchema of a global index takes at most 4 HASH and 4 RANGE elements',
      ],
    ],
  },
  {
    name: 'an index key with 5 RANGE attributes',
    spec: withKey(['h'], attributes(5, 'r')),
    refusals: [
      [
        'spec.globalSecondaryIndexes[0].keySchema',
        'keySchema of a global index takes at most 4 HASH and 4 RANGE elements',
      ],
    ],
  },
  {
    name: 'an index key with an attribute twice',
    spec: withIndex({ keySchema: [hash('Year'), range('Year')] }),
    refusals: [
      ['spec.globalSecondaryIndexes[0].keySchema', 'keySchema must name each attribute once'],
    ],
  },
  {
    name: 'an index without a projection',
    spec: withIndex({ projection: undefined }),
    refusals: [['spec.globalSecondaryIndexes[0].projection', 'Required value']],
  },
  {
    name: 'INCLUDE without names',
    spec: withIndex({ projection: { projectionType: 'INCLUDE' } }),
    refusals: [
      [
        'spec.globalSecondaryIndexes[0].projection.nonKeyAttributes',
        'projection.nonKeyAttributes must be set with projectionType INCLUDE, and left out with ALL and KEYS_ONLY',
      ],
    ],
  },
  {
    name: 'KEYS_ONLY with names',
    spec: withIndex({ projection: { projectionType: 'KEYS_ONLY', nonKeyAttributes: ['Genre'] } }),
    refusals: [
      [
        'spec.globalSecondaryIndexes[0].projection.nonKeyAttributes',
        'projection.nonKeyAttributes must be set with projectionType INCLUDE, and left out with ALL and KEYS_ONLY',
      ],
    ],
  },
  {
    name: 'a projected name twice',
    spec: withIndex({
      projection: { projectionType: 'INCLUDE', nonKeyAttributes: ['Genre', 'Genre'] },
    }),
    refusals: [
      ['spec.globalSecondaryIndexes[0].projection.nonKeyAttributes[1]', 'Duplicate value'],
    ],
  },
  {
    name: '21 projected names in an index',
    spec: withIndex({ projection: including(21) }),
    refusals: [
      ['spec.globalSecondaryIndexes[0].projection.nonKeyAttributes', 'must have at most 20 items'],
    ],
  },
  {
    name: '101 projected names over all indexes',
    spec: indexesIncluding([20, 20, 20, 20, 20, 1]),
    refusals: [
      [
        'spec',
        'nonKeyAttributes of all indexes together may be at most 100; list fewer, or use projectionType ALL',
      ],
    ],
  },
  {
    name: '21 global indexes',
    spec: {
      ...withIndex({}),
      globalSecondaryIndexes: attributes(21, 'Index').map((indexName) => ({
        ...byYear,
        indexName,
      })),
    },
    refusals: [['spec.globalSecondaryIndexes', 'must have at most 20 items']],
  },
  {
    name: 'two indexes of one name',
    spec: { ...withIndex({}), globalSecondaryIndexes: [byYear, byYear] },
    refusals: [['spec.globalSecondaryIndexes[1]', 'Duplicate value']],
  },
  {
    name: 'a global index with the name of a local one',
    spec: {
      ...withLocalIndex({}),
      globalSecondaryIndexes: [{ ...byYear, indexName: 'LocalByYear' }],
    },
    refusals: [
      [
        'spec.globalSecondaryIndexes',
        'indexName must be unique over globalSecondaryIndexes and localSecondaryIndexes; rename one of the two',
      ],
    ],
  },
];

const localIndexes: readonly CrdCase[] = [
  {
    name: 'a local index of a table without a sort key',
    spec: {
      ...withLocalIndex({}),
      attributeDefinitions: [artist, year],
      keySchema: [hash('Artist')],
    },
    refusals: [
      [
        'spec.localSecondaryIndexes',
        'localSecondaryIndexes need a table with a RANGE element in keySchema; add one, or use globalSecondaryIndexes',
      ],
    ],
  },
  {
    name: 'a local index of another HASH attribute',
    spec: withLocalIndex({ keySchema: [hash('SongTitle'), range('Year')] }),
    refusals: [
      [
        'spec.localSecondaryIndexes',
        "localSecondaryIndexes must have the HASH attribute of the table's keySchema",
      ],
    ],
  },
  {
    name: 'a local index without a sort key',
    spec: { ...music, localSecondaryIndexes: [{ ...localByYear, keySchema: [hash('Artist')] }] },
    refusals: [['spec.localSecondaryIndexes[0].keySchema', 'should have at least 2 items']],
  },
  {
    name: 'a local index key without a definition',
    spec: { ...withLocalIndex({}), attributeDefinitions: [artist, title] },
    refusals: [
      [
        'spec.localSecondaryIndexes',
        'attributeDefinitions must list every key attribute of localSecondaryIndexes',
      ],
    ],
  },
  {
    name: 'a local index with RANGE first',
    spec: withLocalIndex({ keySchema: [range('Artist'), range('Year')] }),
    refusals: [
      [
        'spec.localSecondaryIndexes[0].keySchema',
        'keySchema must begin with an element of keyType HASH',
      ],
    ],
  },
  {
    name: 'a local index with two HASH attributes',
    spec: withLocalIndex({ keySchema: [hash('Artist'), hash('Year')] }),
    refusals: [
      [
        'spec.localSecondaryIndexes[0].keySchema',
        'keySchema: the second element must have keyType RANGE and another attributeName than the first',
      ],
    ],
  },
  {
    name: '6 local indexes',
    spec: {
      ...withLocalIndex({}),
      localSecondaryIndexes: attributes(6, 'Index').map((indexName) => ({
        ...localByYear,
        indexName,
      })),
    },
    refusals: [['spec.localSecondaryIndexes', 'must have at most 5 items']],
  },
];

const throughput: readonly CrdCase[] = [
  {
    name: 'neither units nor a billing mode',
    spec: { ...music, billingMode: undefined },
    refusals: [
      [
        'spec.provisionedThroughput',
        'provisionedThroughput must be set with billingMode PROVISIONED; set it, or use billingMode PAY_PER_REQUEST',
      ],
    ],
  },
  {
    name: 'units in on-demand mode',
    spec: { ...music, provisionedThroughput: units },
    refusals: [
      [
        'spec.provisionedThroughput',
        'provisionedThroughput must be left out with billingMode PAY_PER_REQUEST',
      ],
    ],
  },
  {
    name: 'read units alone',
    spec: { ...provisioned, provisionedThroughput: { readCapacityUnits: 5 } },
    refusals: [['spec.provisionedThroughput.writeCapacityUnits', 'Required value']],
  },
  {
    name: 'no units',
    spec: { ...provisioned, provisionedThroughput: { ...units, readCapacityUnits: 0 } },
    refusals: [['spec.provisionedThroughput.readCapacityUnits', 'greater than or equal to 1']],
  },
  {
    name: 'units above the quota of a table',
    spec: { ...provisioned, provisionedThroughput: { ...units, writeCapacityUnits: 40_001 } },
    refusals: [['spec.provisionedThroughput.writeCapacityUnits', 'less than or equal to 40000']],
  },
  ...(['readCapacityUnits', 'writeCapacityUnits'] as const).map((unit) => ({
    name: `${unit} above the quota of an account`,
    spec: {
      ...provisionedIndex({}),
      provisionedThroughput: { ...units, [unit]: 40_000 },
      globalSecondaryIndexes: ['One', 'Two'].map((indexName, number) => ({
        ...byYear,
        indexName,
        provisionedThroughput: { ...units, [unit]: number === 0 ? 40_000 : 1 },
      })),
    },
    refusals: [
      [
        'spec.provisionedThroughput',
        `provisionedThroughput.${unit} of the table and its globalSecondaryIndexes together may be at most 80000; lower some`,
      ],
    ] as const,
  })),
  {
    name: 'maximums in provisioned mode',
    spec: { ...provisioned, onDemandThroughput: { maxReadRequestUnits: 5 } },
    refusals: [
      [
        'spec.onDemandThroughput',
        'onDemandThroughput must be left out with billingMode PROVISIONED',
      ],
    ],
  },
  {
    name: 'empty maximums',
    spec: { ...music, onDemandThroughput: {} },
    refusals: [
      [
        'spec.onDemandThroughput',
        'onDemandThroughput must set maxReadRequestUnits, maxWriteRequestUnits, or both; leave onDemandThroughput out for no ceiling',
      ],
    ],
  },
  {
    name: 'empty warm throughput',
    spec: { ...music, warmThroughput: {} },
    refusals: [
      [
        'spec.warmThroughput',
        'warmThroughput must set readUnitsPerSecond, writeUnitsPerSecond, or both',
      ],
    ],
  },
  {
    name: 'an index without units in provisioned mode',
    spec: provisionedIndex({}),
    refusals: [
      [
        'spec.globalSecondaryIndexes',
        'globalSecondaryIndexes: provisionedThroughput must be set on every index with billingMode PROVISIONED, and left out with PAY_PER_REQUEST',
      ],
    ],
  },
  {
    name: 'an index with units in on-demand mode',
    spec: withIndex({ provisionedThroughput: units }),
    refusals: [
      [
        'spec.globalSecondaryIndexes',
        'globalSecondaryIndexes: provisionedThroughput must be set on every index with billingMode PROVISIONED, and left out with PAY_PER_REQUEST',
      ],
    ],
  },
  {
    name: 'an index with maximums in provisioned mode',
    spec: provisionedIndex({
      provisionedThroughput: units,
      onDemandThroughput: { maxReadRequestUnits: 5 },
    }),
    refusals: [
      [
        'spec.globalSecondaryIndexes',
        'globalSecondaryIndexes: onDemandThroughput must be left out with billingMode PROVISIONED',
      ],
    ],
  },
];

const STREAM_VIEW =
  'streamSpecification.streamViewType must be set when streamSpecification.streamEnabled is true, and left out when it is false';

const TRIGGERS_STREAM =
  'triggers need a stream; set streamSpecification.streamEnabled to true, or remove them';
const CA_HTTPS = 'caBundleRef is for https; use an https address, or leave it out';

const settings: readonly CrdCase[] = [
  {
    name: 'time to live on without an attribute',
    spec: { ...music, timeToLive: { enabled: true } },
    refusals: [
      [
        'spec.timeToLive.attributeName',
        'timeToLive.attributeName must be set when timeToLive.enabled is true',
      ],
    ],
  },
  {
    name: 'a stream without a view type',
    spec: { ...music, streamSpecification: { streamEnabled: true } },
    refusals: [['spec.streamSpecification.streamViewType', STREAM_VIEW]],
  },
  {
    name: 'a stream that is off, with a view type',
    spec: {
      ...music,
      streamSpecification: { streamEnabled: false, streamViewType: 'KEYS_ONLY' },
    },
    refusals: [['spec.streamSpecification.streamViewType', STREAM_VIEW]],
  },
  {
    name: 'an unknown view type',
    spec: {
      ...music,
      streamSpecification: { streamEnabled: true, streamViewType: 'ALL' },
    },
    refusals: [
      [
        'spec.streamSpecification.streamViewType',
        'supported values: "KEYS_ONLY", "NEW_IMAGE", "OLD_IMAGE", "NEW_AND_OLD_IMAGES"',
      ],
    ],
  },
  {
    name: 'a trigger without a stream',
    spec: { ...music, triggers: [hook] },
    refusals: [['spec.triggers', TRIGGERS_STREAM]],
  },
  {
    name: 'a trigger of a stream that is off',
    spec: { ...music, streamSpecification: { streamEnabled: false }, triggers: [hook] },
    refusals: [['spec.triggers', TRIGGERS_STREAM]],
  },
  {
    name: 'a trigger with two addresses',
    spec: withTrigger({ target: { url: 'http://x/', service: { name: 'x' } } }),
    refusals: [['spec.triggers[0].target', 'target must have either url or service']],
  },
  {
    name: 'a trigger without an address',
    spec: withTrigger({ target: {} }),
    refusals: [['spec.triggers[0].target', 'target must have either url or service']],
  },
  {
    name: 'authorities for http',
    spec: withTrigger({ target: { url: 'http://x/' }, caBundleRef: { name: 'ca' } }),
    refusals: [['spec.triggers[0].caBundleRef', CA_HTTPS]],
  },
  {
    name: 'authorities for a service by http, also of a dead-letter address',
    spec: withTrigger({
      target: { service: { name: 'x' } },
      caBundleRef: { name: 'ca' },
      deadLetter: { target: { service: { name: 'x' } }, caBundleRef: { name: 'ca' } },
    }),
    refusals: [
      ['spec.triggers[0].caBundleRef', CA_HTTPS],
      ['spec.triggers[0].deadLetter.caBundleRef', CA_HTTPS],
    ],
  },
  {
    name: 'a trigger with a password in its address',
    spec: withTrigger({ target: { url: 'https://me:secret@x/' } }),
    refusals: [
      [
        'spec.triggers[0].target.url',
        "spec.triggers[0].target.url in body should match '^https?://[^\\s/?#@]+([/?][^\\s#]*)?$'",
      ],
    ],
  },
  {
    name: 'a batch of none',
    spec: withTrigger({ batchSize: 0 }),
    refusals: [
      [
        'spec.triggers[0].batchSize',
        'spec.triggers[0].batchSize in body should be greater than or equal to 1',
      ],
    ],
  },
  {
    name: 'a trigger that is there twice',
    spec: { ...withTrigger({}), triggers: [hook, hook] },
    refusals: [['spec.triggers[1]', 'Duplicate value: {"name":"hook"}']],
  },
  {
    name: 'six filter patterns',
    spec: withTrigger({ filterPatterns: Array(6).fill('{}') }),
    refusals: [['spec.triggers[0].filterPatterns', 'Too many: 6: must have at most 5 items']],
  },
  {
    name: 'an unknown table class',
    spec: { ...music, tableClass: 'ARCHIVE' },
    refusals: [['spec.tableClass', 'supported values: "STANDARD", "STANDARD_INFREQUENT_ACCESS"']],
  },
  {
    name: 'an unknown deletionPolicy',
    spec: { ...music, deletionPolicy: 'Orphan' },
    refusals: [['spec.deletionPolicy', 'supported values: "Retain", "Delete"']],
  },
  {
    name: 'a tag of aws:',
    spec: { ...music, tags: [{ key: 'aws:team', value: 'x' }] },
    refusals: [
      [
        'spec.tags[0].key',
        'tags: a key must not begin with aws:, which is reserved; choose another key',
      ],
    ],
  },
  {
    name: 'a tag twice',
    spec: {
      ...music,
      tags: [
        { key: 'team', value: 'x' },
        { key: 'team', value: 'y' },
      ],
    },
    refusals: [['spec.tags[1]', 'Duplicate value']],
  },
  {
    name: 'a tag with a character that tags do not take',
    spec: { ...music, tags: [{ key: 'team', value: 'a#b' }] },
    refusals: [['spec.tags[0].value', 'should match']],
  },
  {
    name: '51 tags',
    spec: { ...music, tags: attributes(51).map((key) => ({ key, value: '' })) },
    refusals: [['spec.tags', 'must have at most 50 items']],
  },
];

const places: readonly CrdCase[] = [
  {
    name: 'storage below 256Mi',
    spec: { ...music, storage: { size: '255Mi' } },
    refusals: [
      ['spec.storage.size', 'storage.size must be a quantity of at least 256Mi, such as 10Gi'],
    ],
  },
  {
    name: 'storage that is no quantity',
    spec: { ...music, storage: { size: 'much' } },
    refusals: [
      ['spec.storage.size', 'should match'],
      ['spec.storage.size', 'storage.size must be a quantity of at least 256Mi, such as 10Gi'],
    ],
  },
  {
    name: '2 replicas',
    spec: { ...music, placement: { replicationFactor: 2 } },
    refusals: [['spec.placement.replicationFactor', 'supported values: "1", "3", "5"']],
  },
  {
    name: 'Wait with fewer zones than replicas',
    spec: { ...music, placement: { zones: ['a', 'b'], whenZonesInsufficient: 'Wait' } },
    refusals: [
      [
        'spec.placement.zones',
        'placement.zones must list at least replicationFactor zones, or be left out, with whenZonesInsufficient Wait',
      ],
    ],
  },
  {
    name: 'a zone twice',
    spec: { ...music, placement: { zones: ['a', 'a'] } },
    refusals: [['spec.placement.zones[1]', 'Duplicate value']],
  },
  {
    name: 'a toleration with neither key nor Exists',
    spec: tolerating({ effect: 'NoSchedule' }),
    refusals: [
      [
        'spec.placement.tolerations[0].operator',
        'tolerations: operator must be Exists when key is left out',
      ],
    ],
  },
  {
    name: 'a toleration with Exists and a value',
    spec: tolerating({ key: 'k', operator: 'Exists', value: 'v' }),
    refusals: [
      [
        'spec.placement.tolerations[0].value',
        'tolerations: value must be left out with operator Exists',
      ],
    ],
  },
  {
    name: 'tolerationSeconds without NoExecute',
    spec: tolerating({ key: 'k', effect: 'NoSchedule', tolerationSeconds: 5 }),
    refusals: [
      [
        'spec.placement.tolerations[0].effect',
        'tolerations: effect must be NoExecute when tolerationSeconds is set',
      ],
    ],
  },
  {
    name: 'requests above limits',
    spec: {
      ...music,
      placement: { resources: { requests: { memory: '2Gi' }, limits: { memory: '1Gi' } } },
    },
    refusals: [
      [
        'spec.placement.resources.requests',
        'resources.requests must not exceed resources.limits; raise the limit or lower the request',
      ],
    ],
  },
  {
    name: "a pod label of the operator's",
    spec: { ...music, podTemplate: { metadata: { labels: { 'trestle.dev/slot': '7' } } } },
    refusals: [
      [
        'spec.podTemplate.metadata.labels',
        'podTemplate.metadata.labels: keys of trestle.dev/ and app.kubernetes.io/name, component and managed-by are set by the operator; choose other keys',
      ],
    ],
  },
  {
    name: 'another component in the pod labels',
    spec: {
      ...music,
      podTemplate: { metadata: { labels: { 'app.kubernetes.io/component': 'web' } } },
    },
    refusals: [
      [
        'spec.podTemplate.metadata.labels',
        'podTemplate.metadata.labels: keys of trestle.dev/ and app.kubernetes.io/name, component and managed-by are set by the operator; choose other keys',
      ],
    ],
  },
  {
    name: "a pod annotation of the operator's",
    spec: {
      ...music,
      podTemplate: { metadata: { annotations: { 'trestle.dev/applied-hash': '7' } } },
    },
    refusals: [
      [
        'spec.podTemplate.metadata.annotations',
        'podTemplate.metadata.annotations: keys of trestle.dev/ are set by the operator; choose other keys',
      ],
    ],
  },
];

const warm = (read: number | undefined, write: number | undefined): Json => ({
  ...music,
  warmThroughput: { readUnitsPerSecond: read, writeUnitsPerSecond: write },
});
const streaming = (streamViewType: string): Json => ({
  ...music,
  streamSpecification: { streamEnabled: true, streamViewType },
});
const FIXED_LOCAL =
  'localSecondaryIndexes are fixed when the table is created; use globalSecondaryIndexes, or create another Table';
const STORAGE_CLASS =
  'storage.storageClassName cannot be set, changed or removed after creation; keep what the table was created with';

const updates: readonly CrdCase[] = [
  { name: 'update: nothing changed', before: everything, spec: everything, refusals: [] },
  { name: 'update: another billing mode', before: music, spec: provisioned, refusals: [] },
  {
    name: 'update: an index and its definition added',
    before: music,
    spec: withIndex({}),
    refusals: [],
  },
  {
    name: 'update: an index and its definition removed',
    before: withIndex({}),
    spec: music,
    refusals: [],
  },
  {
    name: 'update: an index replaced by one of another name',
    before: withIndex({}),
    spec: withIndex({ indexName: 'ByYear2', projection: { projectionType: 'KEYS_ONLY' } }),
    refusals: [],
  },
  {
    name: 'update: an index removed, its definition left',
    before: withIndex({}),
    spec: { ...music, attributeDefinitions: [artist, title, year] },
    refusals: [
      [
        'spec.attributeDefinitions',
        'attributeDefinitions must list only attributes that the table key or an index uses; remove the others',
      ],
    ],
  },
  {
    name: 'update: another tableName',
    before: music,
    spec: { ...music, tableName: 'Musik' },
    refusals: [
      ['spec.tableName', 'tableName cannot be changed; create another Table for another name'],
    ],
  },
  {
    name: 'update: a sort key removed',
    before: music,
    spec: artists,
    refusals: [
      ['spec.keySchema', 'keySchema cannot be changed; create another Table with the new key'],
    ],
  },
  {
    name: 'update: another type of a key attribute',
    before: music,
    spec: { ...music, attributeDefinitions: [artist, { ...title, attributeType: 'N' }] },
    refusals: [
      [
        'spec.attributeDefinitions[1].attributeType',
        'attributeType of a key attribute cannot be changed; remove the indexes that use the attribute first, or use another attribute',
      ],
    ],
  },
  {
    name: 'update: another key of an index',
    before: { ...withIndex({}) },
    spec: withIndex({ keySchema: [hash('Year'), range('Artist')] }),
    refusals: [
      [
        'spec.globalSecondaryIndexes[0].keySchema',
        'keySchema of an index cannot be changed; remove the index and add one with another indexName',
      ],
    ],
  },
  {
    name: 'update: another projection of an index',
    before: withIndex({}),
    spec: withIndex({ projection: { projectionType: 'KEYS_ONLY' } }),
    refusals: [
      [
        'spec.globalSecondaryIndexes[0].projection',
        'projection of an index cannot be changed; remove the index and add one with another indexName',
      ],
    ],
  },
  {
    name: 'update: a local index added',
    before: music,
    spec: withLocalIndex({}),
    refusals: [['spec.localSecondaryIndexes', FIXED_LOCAL]],
  },
  {
    name: 'update: a local index removed',
    before: withLocalIndex({}),
    spec: music,
    refusals: [['spec.localSecondaryIndexes', FIXED_LOCAL]],
  },
  {
    name: 'update: a local index changed',
    before: withLocalIndex({}),
    spec: withLocalIndex({ projection: { projectionType: 'KEYS_ONLY' } }),
    refusals: [['spec.localSecondaryIndexes', FIXED_LOCAL]],
  },
  {
    name: 'update: warm throughput raised',
    before: warm(13_000, 5000),
    spec: warm(14_000, 5000),
    refusals: [],
  },
  {
    name: 'update: warm read throughput lowered',
    before: warm(13_000, 5000),
    spec: warm(12_500, 5000),
    refusals: [
      [
        'spec.warmThroughput.readUnitsPerSecond',
        'warmThroughput.readUnitsPerSecond can only be raised; keep the old value or set a higher one',
      ],
    ],
  },
  {
    name: 'update: warm write throughput removed',
    before: warm(13_000, 5000),
    spec: warm(13_000, undefined),
    refusals: [
      [
        'spec.warmThroughput.writeUnitsPerSecond',
        'warmThroughput.writeUnitsPerSecond can only be raised; keep the old value or set a higher one',
      ],
    ],
  },
  {
    name: 'update: storage grown',
    before: music,
    spec: { ...music, storage: { size: '20Gi' } },
    status: { storage: { committedSize: '10Gi' } },
    refusals: [],
  },
  {
    name: 'update: storage lowered again before volumes have grown',
    before: { ...music, storage: { size: '20Gi' } },
    spec: music,
    status: { storage: { committedSize: '10Gi' } },
    refusals: [],
  },
  {
    name: 'update: storage below what volumes have',
    before: { ...music, storage: { size: '20Gi' } },
    spec: { ...music, storage: { size: '15Gi' } },
    status: { storage: { committedSize: '20Gi' } },
    refusals: [
      [
        'spec.storage.size',
        'storage.size cannot go below the size that the volumes have; volumes never shrink, so set it to status.storage.committedSize or more',
      ],
    ],
  },
  {
    name: 'update: a storage class set',
    before: music,
    spec: { ...music, storage: { storageClassName: 'fast' } },
    refusals: [['spec.storage.storageClassName', STORAGE_CLASS]],
  },
  {
    name: 'update: another storage class',
    before: { ...music, storage: { storageClassName: 'slow' } },
    spec: { ...music, storage: { storageClassName: 'fast' } },
    refusals: [['spec.storage.storageClassName', STORAGE_CLASS]],
  },
  {
    name: 'update: a storage class removed',
    before: { ...music, storage: { storageClassName: 'slow' } },
    spec: music,
    refusals: [['spec.storage.storageClassName', STORAGE_CLASS]],
  },
  {
    name: 'update: another replicationFactor',
    before: music,
    spec: { ...music, placement: { replicationFactor: 5 } },
    refusals: [
      [
        'spec.placement.replicationFactor',
        'placement.replicationFactor cannot be changed; create another Table with the new one',
      ],
    ],
  },
  {
    name: 'update: another topologyKey',
    before: music,
    spec: { ...music, placement: { topologyKey: 'example.com/rack' } },
    refusals: [
      [
        'spec.placement.topologyKey',
        'placement.topologyKey cannot be changed; create another Table with the new one',
      ],
    ],
  },
  {
    name: 'update: a stream enabled',
    before: music,
    spec: streaming('KEYS_ONLY'),
    refusals: [],
  },
  {
    name: 'update: another view type',
    before: streaming('KEYS_ONLY'),
    spec: streaming('NEW_IMAGE'),
    refusals: [],
  },
  {
    name: 'update: a stream disabled that has triggers',
    before: withTrigger({}),
    spec: { ...withTrigger({}), streamSpecification: { streamEnabled: false } },
    refusals: [['spec.triggers', TRIGGERS_STREAM]],
  },
  {
    name: 'update: a trigger changed',
    before: withTrigger({}),
    spec: withTrigger({ batchSize: 7, enabled: false }),
    refusals: [],
  },
  {
    name: 'update: other zones',
    before: music,
    spec: { ...music, placement: { zones: ['a', 'b', 'c'] } },
    refusals: [],
  },
];

export const tableCases: readonly CrdCase[] = [
  ...accepted,
  ...names,
  ...keys,
  ...globalIndexes,
  ...localIndexes,
  ...throughput,
  ...settings,
  ...places,
  ...updates,
];
