import type { TableResource } from './table-resource.ts';
import type { TableSpec, Trigger } from './table-types.ts';

/** What the API server adds to a spec. */
export const specDefaults = {
  billingMode: 'PROVISIONED',
  tableClass: 'STANDARD',
  deletionProtectionEnabled: false,
  deletionPolicy: 'Retain',
  storage: { size: '10Gi' },
  placement: {
    replicationFactor: 3,
    topologyKey: 'topology.kubernetes.io/zone',
    whenZonesInsufficient: 'Colocate',
    hostAntiAffinity: 'Preferred',
  },
} as const satisfies Partial<TableSpec>;

/** What it adds to a trigger. */
export const triggerDefaults = {
  enabled: true,
  batchSize: 100,
  maximumBatchingWindowSeconds: 0,
  startingPosition: 'LATEST',
  parallelizationFactor: 1,
  maximumRetryAttempts: -1,
  maximumRecordAgeSeconds: -1,
  bisectBatchOnFunctionError: false,
  reportBatchItemFailures: false,
  timeoutSeconds: 30,
} as const satisfies Partial<Trigger>;

/** An on-demand Table with the key Artist and SongTitle. */
export function musicTable(spec: Partial<TableSpec>): TableResource {
  return {
    apiVersion: 'trestle.dev/v1alpha1',
    kind: 'Table',
    metadata: { name: 'music', namespace: 'default', uid: 'a3f1' },
    spec: {
      ...specDefaults,
      tableName: 'Music',
      attributeDefinitions: [
        { attributeName: 'Artist', attributeType: 'S' },
        { attributeName: 'SongTitle', attributeType: 'S' },
      ],
      keySchema: [
        { attributeName: 'Artist', keyType: 'HASH' },
        { attributeName: 'SongTitle', keyType: 'RANGE' },
      ],
      billingMode: 'PAY_PER_REQUEST',
      ...spec,
    },
  };
}
