import type { ClusterDiscoveryEndpointStatus } from '../../dataplane/kubernetes/daxcluster-types.ts';
import { type DaxClusterResource, namesOf } from './cluster-resource.ts';
import type { DaxInstall } from './install.ts';
import { DAX_PORT, DAXS_PORT, HTTP_PORT, HTTPS_PORT } from './names.ts';

export function hasTls({ spec }: DaxClusterResource): boolean {
  return spec.clusterEndpointEncryptionType === 'TLS';
}

/** Port of the DAX protocol at the nodes themselves. */
export function nodePort(cluster: DaxClusterResource): number {
  return hasTls(cluster) ? DAXS_PORT : DAX_PORT;
}

/** Port of the DynamoDB API. */
export function httpPort(cluster: DaxClusterResource): number {
  return hasTls(cluster) ? HTTPS_PORT : HTTP_PORT;
}

type Domain = Pick<DaxInstall, 'clusterDomain'>;

/** Where DAX clients ask for nodes; the port is in the URL only where clients would take another one. */
export function discoveryEndpoint(
  cluster: DaxClusterResource,
  install: Domain,
): Required<ClusterDiscoveryEndpointStatus> {
  const address = serviceHost(cluster, install);
  const port = cluster.spec.service.port ?? nodePort(cluster);
  const scheme = hasTls(cluster) ? 'daxs' : 'dax';
  const suffix = port === nodePort(cluster) ? '' : `:${port}`;
  return { address, port, url: `${scheme}://${address}${suffix}` };
}

/** Where SDKs call the DynamoDB API of the cache. */
export function httpEndpoint(cluster: DaxClusterResource, install: Domain): string {
  const scheme = hasTls(cluster) ? 'https' : 'http';
  return `${scheme}://${serviceHost(cluster, install)}:${httpPort(cluster)}`;
}

/** DNS name of a node. */
export function nodeHost(cluster: DaxClusterResource, pod: string, install: Domain): string {
  const { base, identity } = namesOf(cluster);
  return `${pod}.${base}.${identity.namespace}.svc.${install.clusterDomain}`;
}

/**
 * All forms of the names by which clients reach the cluster or one of its nodes, and people at a
 * port-forward: clients check the host of the URL that they were given (dax-protocol.md section 14).
 */
export function serverNames(cluster: DaxClusterResource, install: Domain): readonly string[] {
  const names = namesOf(cluster);
  const { namespace } = names.identity;
  return [
    names.service,
    `${names.service}.${namespace}`,
    `${names.service}.${namespace}.svc`,
    serviceHost(cluster, install),
    nodeHost(cluster, '*', install),
    'localhost',
  ];
}

function serviceHost(cluster: DaxClusterResource, { clusterDomain }: Domain): string {
  const { service, identity } = namesOf(cluster);
  return `${service}.${identity.namespace}.svc.${clusterDomain}`;
}
