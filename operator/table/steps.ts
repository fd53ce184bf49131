import type { ResourceType } from '../../dataplane/kubernetes/resources.ts';
import type { JsonObject } from '../../dataplane/kubernetes/table-resource.ts';
import type { CertificatesState } from '../certificates/issued-certificates.ts';
import type { WantedObject } from './children.ts';

/** One thing to do, to the Kubernetes API or to the table's nodes. Each may be done again without harm. */
export type Step =
  /** Makes the certificates of all pods that lack a good one. */
  | { readonly kind: 'issueCertificates' }
  | {
      readonly kind: 'apply';
      readonly object: WantedObject;
      /** Only in this state: the decision was made from it. */
      readonly resourceVersion: string | undefined;
    }
  | {
      readonly kind: 'delete';
      readonly type: ResourceType;
      readonly name: string;
      readonly uid: string;
      readonly propagationPolicy: 'Background' | 'Orphan';
    }
  /** Its StatefulSet makes it anew. */
  | { readonly kind: 'deletePod'; readonly name: string; readonly uid: string }
  | {
      readonly kind: 'resizeClaim';
      readonly name: string;
      readonly uid: string;
      readonly size: string | number;
    }
  /** On the Table itself. */
  | { readonly kind: 'setFinalizer'; readonly isWished: boolean }
  /** Founds the catalog's group; asked of one node, done on all. */
  | { readonly kind: 'bootstrap'; readonly nodes: readonly string[] }
  /** An operation of the DynamoDB API, at whichever node answers. */
  | { readonly kind: 'operate'; readonly operation: string; readonly body: JsonObject }
  | { readonly kind: 'drain'; readonly pod: string; readonly isWished: boolean };

/** Of a table, or of whatever has certificates of the namespace's authority. Pods take them up without a restart. */
export function certificateSteps({
  certificates,
}: {
  readonly certificates: CertificatesState;
}): readonly { readonly kind: 'issueCertificates' }[] {
  return certificates.kind === 'due' ? [{ kind: 'issueCertificates' }] : [];
}

/** Something that people should hear of. */
export interface TableEvent {
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly message: string;
}

/** What became of a step that the data plane refused: the request is wrong, not the moment. */
export interface Refusal {
  readonly operation: string;
  readonly message: string;
}
