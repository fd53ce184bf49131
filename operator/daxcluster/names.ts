import { baseName, MANAGED_BY, MANAGED_BY_LABEL, type TableIdentity } from '../table/names.ts';

/** Ports of a dax pod. */
export const DAX_PORT = 8111;
export const DAXS_PORT = 9111;
export const HTTP_PORT = 8000;
export const HTTPS_PORT = 8443;
export const PEER_PORT = 8112;
export const REDIS_PORT = 6379;

export const DAX_LABEL = 'trestle.dev/daxcluster';
export const DAX_UID_LABEL = 'trestle.dev/daxcluster-uid';
/** Of Redis' pod: uid of the Secret with its password, which it reads when it starts; another Secret is another password. */
export const REDIS_SECRET = 'trestle.dev/redis-secret';

/** By this name nodes of a cluster know each other's certificates. */
export const PEER_NAME = 'dax.trestle.dev';

/** All names of one DaxCluster's objects. */
export class DaxClusterNames {
  readonly identity: TableIdentity;
  /** Of what a re-created DaxCluster of the same name does not get again. */
  readonly base: string;

  constructor(identity: TableIdentity) {
    this.identity = identity;
    this.base = baseName(identity);
  }

  /** The Service that clients have in their configuration: the same for a re-created DaxCluster. */
  get service(): string {
    return `${this.identity.name}-dax`;
  }
  get parameters(): string {
    return `${this.base}-parameters`;
  }
  get tls(): string {
    return `${this.base}-tls`;
  }
  /** The Secret with the key of the cluster's own role. */
  get role(): string {
    return `${this.base}-role`;
  }
  /** All objects of its Redis. */
  get redis(): string {
    return `${this.base}-redis`;
  }
  pod(ordinal: number): string {
    return `${this.base}-${ordinal}`;
  }
  /** Labels of all objects of the cluster but its Redis. */
  get labels(): Readonly<Record<string, string>> {
    return this.#labelsOf('dax');
  }
  get redisLabels(): Readonly<Record<string, string>> {
    return this.#labelsOf('dax-redis');
  }
  /** Selects the pods of nodes, whatever they are doing. */
  get selector(): Readonly<Record<string, string>> {
    return { 'app.kubernetes.io/component': 'dax', [DAX_UID_LABEL]: this.identity.uid };
  }
  get redisSelector(): Readonly<Record<string, string>> {
    return { 'app.kubernetes.io/component': 'dax-redis', [DAX_UID_LABEL]: this.identity.uid };
  }

  #labelsOf(component: string): Readonly<Record<string, string>> {
    return {
      'app.kubernetes.io/name': 'trestle',
      [MANAGED_BY_LABEL]: MANAGED_BY,
      'app.kubernetes.io/component': component,
      [DAX_LABEL]: this.identity.name,
      [DAX_UID_LABEL]: this.identity.uid,
    };
  }
}
