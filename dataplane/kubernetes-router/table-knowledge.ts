import type { TableKnowledge } from '../api/refreshing-operation.ts';
import { type Place, tableNameOf } from '../catalog/arn.ts';
import { ClientFault } from '../errors/client-fault.ts';
import { stateOf } from './resource-description.ts';
import type { ResourceSource } from './resource-source.ts';
import type { TableClusters } from './table-clusters.ts';
import type { TableDirectory } from './table-directory.ts';

export interface KnowledgeParts {
  readonly directory: TableDirectory;
  readonly clusters: Pick<TableClusters, 'cluster'>;
  readonly source: Pick<ResourceSource, 'look' | 'tryLook'>;
  readonly place: Place;
}

/** What a router finds out for a request whose table it cannot open: the table may be idle, or new. */
export function tableKnowledge(parts: KnowledgeParts): TableKnowledge {
  return {
    refresh: async (tables) => {
      const names = new Set(tables.flatMap((nameOrArn) => nameHere(nameOrArn, parts.place)));
      await Promise.all(Array.from(names, (name) => refreshTable(name, parts)));
    },
    hasTable: (nameOrArn) => hasTable(tableNameOf(nameOrArn, parts.place), parts),
  };
}

/** None for an ARN of another place: opening it says what is wrong. */
function nameHere(nameOrArn: string, place: Place): readonly string[] {
  try {
    return [tableNameOf(nameOrArn, place)];
  } catch (error) {
    if (error instanceof ClientFault) return [];
    throw error;
  }
}

async function refreshTable(
  name: string,
  { directory, clusters, source }: KnowledgeParts,
): Promise<void> {
  const isReachable = (directory.table(name)?.nodes.length ?? 0) > 0;
  if (!isReachable) await source.tryLook(name);
  await clusters.cluster(directory.table(name)?.clusterId ?? '')?.refresh();
}

/**
 * A table that is not ACTIVE yet has no items to ask for, as with the service.
 * @throws ClientFault InternalServerError when nobody can say for certain that there is none
 */
async function hasTable(
  name: string,
  { directory, clusters, source }: KnowledgeParts,
): Promise<boolean> {
  if (directory.table(name) === undefined) await source.look(name);
  const table = directory.table(name);
  if (table === undefined) return false;
  const cluster = clusters.cluster(table.clusterId);
  if (table.resource === undefined) return (await cluster?.hasTable()) ?? false;
  if (stateOf(table.resource) === 'CREATING') await source.tryLook(name);
  const { resource } = directory.table(name) ?? {};
  const state = resource === undefined ? 'DELETING' : stateOf(resource);
  return state === 'ACTIVE' || state === 'UPDATING';
}
