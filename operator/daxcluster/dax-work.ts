import type { AccessCaches } from '../access/access-caches.ts';
import { secretNameOf } from '../access/resources.ts';
import { Controller, type ControllerOptions } from '../controller.ts';
import type { TableCaches } from '../table/table-caches.ts';
import type { DaxClusterResource } from './cluster-resource.ts';
import { DaxCaches } from './dax-caches.ts';
import { DaxClusterController, type DaxClusterControllerOptions } from './daxcluster-controller.ts';
import { HttpDaxNodeClient } from './node-view.ts';
import type { RoleView } from './observed.ts';

/** The controller of DaxClusters, with the caches that must be whole before it starts. */
export interface DaxWork {
  readonly caches: DaxCaches;
  readonly controller: Controller;
  close(): Promise<void>;
}

export interface DaxWorkOptions
  extends Omit<DaxClusterControllerOptions, 'caches' | 'nodes' | 'roleOf'>,
    Pick<ControllerOptions, 'mayAct'> {
  readonly namespaces: readonly string[];
  /** Has the objects that DaxClusters are made of, with those of tables. */
  readonly objects: TableCaches;
  /** Has what `roleRef` names. */
  readonly access: () => Pick<AccessCaches, 'keys' | 'policies'>;
  /** A DaxCluster of this namespace has come, gone or changed. */
  readonly onChange: (namespace: string) => void;
}

/** Fills its caches; the controller is to be started. */
export function daxWork(options: DaxWorkOptions): DaxWork {
  const { namespaces, objects, access, onChange, mayAct, ...parts } = options;
  const { client, log } = parts;
  const nodes = new HttpDaxNodeClient();
  const caches = DaxCaches.start({
    ...{ client, namespaces, objects, log, onClusterChange: onChange },
    onChange: (key) => controller.add(key),
  });
  const clusters = new DaxClusterController({
    ...parts,
    ...{ caches, nodes, roleOf: (cluster) => roleOf(cluster, access()) },
  });
  const controller = new Controller({
    name: 'daxcluster',
    reconcile: (key, signal) => clusters.reconcile(key, signal),
    exists: (key) => clusters.exists(key),
    ...{ mayAct, log },
  });
  return {
    caches,
    controller,
    close: async () => {
      await controller.close();
      caches.close();
      nodes.close();
    },
  };
}

function roleOf(
  { metadata, spec: { roleRef } }: DaxClusterResource,
  access: Pick<AccessCaches, 'keys' | 'policies'>,
): RoleView {
  const { namespace = '' } = metadata;
  const isNamed = <T extends { readonly metadata: { readonly name: string } }>(object: T) =>
    object.metadata.name === roleRef.name;
  switch (roleRef.kind) {
    case 'AccessPolicy':
      return access.policies(namespace).some(isNamed) ? { kind: 'policy' } : { kind: 'missing' };
    case 'AccessKey': {
      const key = access.keys(namespace).find(isNamed);
      return key === undefined
        ? { kind: 'missing' }
        : { kind: 'key', secretName: secretNameOf(key) };
    }
  }
}
