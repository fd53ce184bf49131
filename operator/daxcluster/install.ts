import type { InstallConfig } from '../table/install.ts';
import type { Json } from '../table/pod-overlay.ts';

/** How this installation is set up, with what DaxClusters need: from the operator's options. */
export interface DaxInstall extends InstallConfig {
  /** Image of the nodes of DaxClusters. */
  readonly daxImage: string;
  /** Image of Redis or Valkey; undefined: no DaxCluster has one of its own. */
  readonly redisImage: string | undefined;
  /** NetworkPolicyPeers that may call the nodes of DaxClusters; none: everybody. */
  readonly daxClients: readonly Json[];
  /** What the cluster's DNS names end with: DAX clients look up full names only. */
  readonly clusterDomain: string;
}
