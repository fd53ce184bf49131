import type { KubeObject } from '../../dataplane/kubernetes/object.ts';
import type { DescribedTable } from '../../dataplane/kubernetes/table-description.ts';
import type { TableResource } from '../../dataplane/kubernetes/table-resource.ts';
import type { CertificatesState } from '../certificates/issued-certificates.ts';
import type { InstallConfig } from './install.ts';
import type { NodeView } from './node-answer.ts';
import type { PersistentVolumeClaim, Pod, StatefulSet } from './objects.ts';
import type { ZoneNode } from './zones.ts';

/** What exists of one slot. */
export interface ObservedSlot {
  readonly statefulSet: StatefulSet | undefined;
  readonly pod: Pod | undefined;
  readonly claim: PersistentVolumeClaim | undefined;
}

/** The table as the catalog of its cluster has it. */
export type CatalogView =
  /** Nobody could be asked. */
  | { readonly kind: 'unknown'; readonly reason: string }
  /** The catalog answers, and has no such table. */
  | { readonly kind: 'absent' }
  | { readonly kind: 'present'; readonly described: DescribedTable };

export type StorageClassView =
  | { readonly kind: 'found'; readonly name: string; readonly allowsExpansion: boolean }
  /** The one that is named, or (undefined) any default. */
  | { readonly kind: 'missing'; readonly name: string | undefined };

/**
 * How a child stands to what was applied last: the same, changed by somebody since this process applied it, or
 * applied by a former process, of which the fields that the operator owns tell (`ownsAll`).
 */
export type Provenance = 'asApplied' | 'drifted' | 'unproven';

/** All that a plan is made from. */
export interface ObservedTable {
  readonly nowMs: number;
  readonly install: InstallConfig;
  readonly table: TableResource;
  /** Other Tables of the namespace with the same tableName. */
  readonly rivals: readonly TableResource[];
  readonly nodes: readonly ZoneNode[];
  /** Slots of the installation's other tables, by zone; empty when all slots of this one are bound. */
  readonly slotsByZone: ReadonlyMap<string, number>;
  readonly storageClass: StorageClassView;
  /** By slot, as many as the table has replicas. */
  readonly slots: readonly ObservedSlot[];
  /** All other children that exist, by kind and name (`childKey`). */
  readonly children: ReadonlyMap<string, KubeObject>;
  /** By `childKey`; those that are not there are as they were applied. */
  readonly provenance: ReadonlyMap<string, Provenance>;
  readonly certificates: CertificatesState;
  /** By slot. */
  readonly nodeViews: readonly NodeView[];
  readonly catalog: CatalogView;
  /** Another table whose pods are being restarted. */
  readonly rollingElsewhere: string | undefined;
}

export function childKey({ kind, metadata }: KubeObject): string {
  return `${kind}/${metadata.name}`;
}
