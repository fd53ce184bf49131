/** A kind of object and its path in the API. */
export interface ResourceType {
  /** `v1` for the core group, else `group/version`. */
  readonly apiVersion: string;
  readonly kind: string;
  readonly plural: string;
  readonly isNamespaced: boolean;
}

function namespaced(apiVersion: string, kind: string, plural: string): ResourceType {
  return { apiVersion, kind, plural, isNamespaced: true };
}

function clusterScoped(apiVersion: string, kind: string, plural: string): ResourceType {
  return { apiVersion, kind, plural, isNamespaced: false };
}

/** The kinds that Trestle reads or writes. */
export const resources = {
  tables: namespaced('trestle.dev/v1alpha1', 'Table', 'tables'),
  accessKeys: namespaced('trestle.dev/v1alpha1', 'AccessKey', 'accesskeys'),
  accessPolicies: namespaced('trestle.dev/v1alpha1', 'AccessPolicy', 'accesspolicies'),
  daxClusters: namespaced('trestle.dev/v1alpha1', 'DaxCluster', 'daxclusters'),
  statefulSets: namespaced('apps/v1', 'StatefulSet', 'statefulsets'),
  controllerRevisions: namespaced('apps/v1', 'ControllerRevision', 'controllerrevisions'),
  pods: namespaced('v1', 'Pod', 'pods'),
  services: namespaced('v1', 'Service', 'services'),
  configMaps: namespaced('v1', 'ConfigMap', 'configmaps'),
  secrets: namespaced('v1', 'Secret', 'secrets'),
  serviceAccounts: namespaced('v1', 'ServiceAccount', 'serviceaccounts'),
  persistentVolumeClaims: namespaced('v1', 'PersistentVolumeClaim', 'persistentvolumeclaims'),
  podDisruptionBudgets: namespaced('policy/v1', 'PodDisruptionBudget', 'poddisruptionbudgets'),
  networkPolicies: namespaced('networking.k8s.io/v1', 'NetworkPolicy', 'networkpolicies'),
  leases: namespaced('coordination.k8s.io/v1', 'Lease', 'leases'),
  events: namespaced('events.k8s.io/v1', 'Event', 'events'),
  roles: namespaced('rbac.authorization.k8s.io/v1', 'Role', 'roles'),
  roleBindings: namespaced('rbac.authorization.k8s.io/v1', 'RoleBinding', 'rolebindings'),
  clusterRoles: clusterScoped('rbac.authorization.k8s.io/v1', 'ClusterRole', 'clusterroles'),
  clusterRoleBindings: clusterScoped(
    'rbac.authorization.k8s.io/v1',
    'ClusterRoleBinding',
    'clusterrolebindings',
  ),
  nodes: clusterScoped('v1', 'Node', 'nodes'),
  namespaces: clusterScoped('v1', 'Namespace', 'namespaces'),
  storageClasses: clusterScoped('storage.k8s.io/v1', 'StorageClass', 'storageclasses'),
  customResourceDefinitions: clusterScoped(
    'apiextensions.k8s.io/v1',
    'CustomResourceDefinition',
    'customresourcedefinitions',
  ),
} as const satisfies Record<string, ResourceType>;

/** The path of a collection, or below it. */
export function pathOf(
  type: ResourceType,
  namespace: string | undefined,
  ...below: readonly string[]
): string {
  if (!type.isNamespaced && namespace !== undefined) {
    throw new Error(`${type.kind} has no namespace`);
  }
  const api = type.apiVersion.includes('/') ? ['apis', type.apiVersion] : ['api', type.apiVersion];
  const scope = namespace === undefined ? [] : ['namespaces', encodeURIComponent(namespace)];
  return `/${[...api, ...scope, type.plural, ...below.map(encodeURIComponent)].join('/')}`;
}
