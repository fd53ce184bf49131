import { createHash } from 'node:crypto';

/** Ports of a storage pod. */
export const CLUSTER_PORT = 8002;
export const ADMIN_PORT = 8003;
export const HEALTH_PORT = 8004;
/** Of the service of routers. */
export const API_PORT = 8000;
/** The service of routers, in each namespace that is served. */
export const ROUTER_SERVICE = 'trestle';

export const FIELD_MANAGER = 'trestle-operator';
export const MANAGED_BY = 'trestle-operator';
export const MANAGED_BY_LABEL = 'app.kubernetes.io/managed-by';
export const TABLE_LABEL = 'trestle.dev/table';
export const TABLE_UID_LABEL = 'trestle.dev/table-uid';
export const SLOT_LABEL = 'trestle.dev/slot';
/** Hash of what was applied last: an equal one is not applied again. */
export const APPLIED_HASH = 'trestle.dev/applied-hash';
/** Of a StatefulSet: hash of its pod template. */
export const TEMPLATE_HASH = 'trestle.dev/template-hash';
/** Of a StatefulSet: the data plane's image that its template was made with. */
export const DATA_IMAGE = 'trestle.dev/data-image';
/** Of a StatefulSet: the zone that the slot is bound to. */
export const ZONE = 'trestle.dev/zone';
/** Of the topology: the cluster has been founded, which happens once. */
export const FOUNDED = 'trestle.dev/founded';
/** Of a Table: with `--upgrade-policy Manual`, it follows the data plane's image all the same. */
export const UPGRADE = 'trestle.dev/upgrade';
/** Holds a Table until its volumes are deleted, where that is its policy. */
export const CLEANUP_FINALIZER = 'trestle.dev/cleanup';

/** Zone of a node where nodes have no zones. */
export const NO_ZONE = 'none';
export const VOLUME_NAME = 'data';

const BASE_CHARACTERS_MAX = 30;

/** What tells a table apart from all others. */
export interface TableIdentity {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

/** Name of a table's objects: a re-created table of the same name gets others. */
export function baseName({ name, uid }: Pick<TableIdentity, 'name' | 'uid'>): string {
  const hash = createHash('sha256').update(uid).digest('hex').slice(0, 5);
  return `${name.slice(0, BASE_CHARACTERS_MAX).replace(/-+$/, '')}-${hash}`;
}

/** All names of one table's objects. */
export class TableNames {
  readonly identity: TableIdentity;
  readonly base: string;

  constructor(identity: TableIdentity) {
    this.identity = identity;
    this.base = baseName(identity);
  }

  get topology(): string {
    return `${this.base}-topology`;
  }
  get tls(): string {
    return `${this.base}-tls`;
  }
  statefulSet(slot: number): string {
    return `${this.base}-z${slot}`;
  }
  pod(slot: number): string {
    return `${this.statefulSet(slot)}-0`;
  }
  claim(slot: number): string {
    return `${VOLUME_NAME}-${this.pod(slot)}`;
  }
  /** Where the others, routers and the operator find a pod. */
  host(slot: number): string {
    return `${this.pod(slot)}.${this.base}.${this.identity.namespace}.svc`;
  }
  /** Labels of all objects of the table. */
  get labels(): Readonly<Record<string, string>> {
    return {
      'app.kubernetes.io/name': 'trestle',
      [MANAGED_BY_LABEL]: MANAGED_BY,
      'app.kubernetes.io/component': 'storage',
      [TABLE_LABEL]: this.identity.name,
      [TABLE_UID_LABEL]: this.identity.uid,
    };
  }
  slotLabels(slot: number): Readonly<Record<string, string>> {
    return { ...this.labels, [SLOT_LABEL]: String(slot) };
  }
  /** Selects the table's pods, whatever they are doing. */
  get selector(): Readonly<Record<string, string>> {
    return { 'app.kubernetes.io/component': 'storage', [TABLE_UID_LABEL]: this.identity.uid };
  }
}
