import type { TableResource } from '../kubernetes/table-resource.ts';
import type { TableSpec, TableStatus } from '../kubernetes/table-types.ts';

export interface ResourceParts {
  readonly uid?: string;
  readonly version?: number;
  readonly generation?: number;
  readonly createdAt?: string;
  readonly isDeleting?: boolean;
  readonly spec?: Partial<TableSpec>;
  readonly status?: TableStatus;
}

const spec: TableSpec = {
  tableName: 'Music',
  billingMode: 'PAY_PER_REQUEST',
  attributeDefinitions: [{ attributeName: 'pk', attributeType: 'S' }],
  keySchema: [{ attributeName: 'pk', keyType: 'HASH' }],
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
};

/** A Table as the API server gives it; by default Music, of which nobody has seen anything yet. */
export function tableResource(parts: ResourceParts = {}): TableResource {
  const { uid = 'uid-1', version = 1, generation = 1, isDeleting = false } = parts;
  return {
    apiVersion: 'trestle.dev/v1alpha1',
    kind: 'Table',
    metadata: {
      name: 'music',
      namespace: 'test',
      uid,
      resourceVersion: String(version),
      generation,
      creationTimestamp: parts.createdAt ?? '2026-11-20T10:00:00Z',
      ...(isDeleting && { deletionTimestamp: '2026-11-21T10:00:00Z' }),
    },
    spec: { ...spec, ...parts.spec },
    status: { observedGeneration: -1, ...parts.status },
  };
}

/** What the operator writes of a table that is whole. */
export function activeStatus(generation = 1): TableStatus {
  return {
    observedGeneration: generation,
    tableStatus: 'ACTIVE',
    nodes: [{ name: 'music-z0-0', zone: 'a', host: 'music-z0-0.music.test.svc', port: 8002 }],
  };
}
