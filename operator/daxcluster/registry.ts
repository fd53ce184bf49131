import type { TableResource } from '../../dataplane/kubernetes/table-resource.ts';
import type { WrittenTableSpec } from '../../dataplane/kubernetes/table-types.ts';
import { DAX_REGISTRY_TABLE } from '../access/names.ts';
import { isSameJson } from '../table/canonical.ts';

/**
 * The table in which all DaxClusters of a namespace keep the meaning of attribute lists, for ever, and
 * who belongs to them. The operator makes it when it makes the first, and never changes or deletes it.
 */
export const REGISTRY_TABLE = DAX_REGISTRY_TABLE;

export const registrySpec: WrittenTableSpec = {
  tableName: REGISTRY_TABLE,
  attributeDefinitions: [
    { attributeName: 'cluster', attributeType: 'S' },
    { attributeName: 'id', attributeType: 'S' },
  ],
  keySchema: [
    { attributeName: 'cluster', keyType: 'HASH' },
    { attributeName: 'id', keyType: 'RANGE' },
  ],
  billingMode: 'PAY_PER_REQUEST',
  // Some hundred bytes for each list of attribute names that clients use.
  storage: { size: '1Gi' },
};

/** The registry as the namespace has it. */
export type RegistryView =
  | { readonly kind: 'absent' }
  /** Whether it serves, and what its Table says of that. */
  | { readonly kind: 'there'; readonly isReady: boolean; readonly message: string }
  /** Somebody has made another table of this name. */
  | { readonly kind: 'unusable'; readonly message: string };

/** @param tables of the namespace with the registry's tableName or metadata.name; the older first */
export function registryView([table]: readonly TableResource[]): RegistryView {
  if (table === undefined) return { kind: 'absent' };
  const { tableName, keySchema, attributeDefinitions } = table.spec;
  const types = new Map(
    attributeDefinitions.map((each) => [each.attributeName, each.attributeType]),
  );
  const isUsable =
    tableName === registrySpec.tableName &&
    isSameJson(keySchema, registrySpec.keySchema) &&
    registrySpec.keySchema.every(({ attributeName }) => types.get(attributeName) === 'S');
  if (!isUsable) {
    const { name } = table.metadata;
    return {
      kind: 'unusable',
      message:
        `the Table ${name} is not the registry that DaxClusters need (tableName ${REGISTRY_TABLE}, keys cluster and id of type S): ` +
        'delete it, and it is made anew',
    };
  }
  const ready = table.status?.conditions?.find(({ type }) => type === 'Ready');
  return {
    kind: 'there',
    isReady: ready?.status === 'True',
    message: ready?.message ?? 'it is new',
  };
}
