import type { KubeClient } from '../../dataplane/kubernetes/api-client.ts';
import { KubeError } from '../../dataplane/kubernetes/kube-error.ts';
import type { KubeObject } from '../../dataplane/kubernetes/object.ts';
import { type ResourceType, resources } from '../../dataplane/kubernetes/resources.ts';
import type { TableResource } from '../../dataplane/kubernetes/table-resource.ts';
import type { IssuedCertificates } from '../certificates/issued-certificates.ts';
import { namesOf, type WantedObject } from './children.ts';
import { CLEANUP_FINALIZER, FIELD_MANAGER } from './names.ts';
import { answering, hasCatalog } from './node-answer.ts';
import { type NodeAddress, type NodeClient, NodeRefused, NodeSilent } from './node-client.ts';
import { addressOf, certificateHolders } from './observe.ts';
import type { ObservedTable } from './observed.ts';
import type { OwnWrites } from './own-writes.ts';
import type { Refusal, Step } from './steps.ts';

export interface ApplierParts {
  readonly client: KubeClient;
  readonly certificates: IssuedCertificates;
  readonly nodes: NodeClient;
  readonly writes: OwnWrites;
}

/** What became of the steps of a plan. */
export interface Applied {
  /** Requests that are wrong, and will be as long as nobody changes something. */
  readonly refusals: readonly Refusal[];
  /** The step that ended the pass, and why; undefined: all were done. */
  readonly failure: { readonly step: Step; readonly error: Error } | undefined;
}

/** Refusals of the DynamoDB API that time alone heals: something is under way. */
const PASSING: ReadonlySet<string> = new Set([
  'ResourceInUseException',
  'ResourceNotFoundException',
  'InternalServerError',
  'ThrottlingException',
]);

/** Does the steps one after the other, up to the first that fails. Throws only the signal's reason and defects. */
export async function applySteps(
  steps: readonly Step[],
  observed: ObservedTable,
  { parts, signal }: { readonly parts: ApplierParts; readonly signal: AbortSignal },
): Promise<Applied> {
  const refusals: Refusal[] = [];
  const applier = new Applier(observed, parts, signal);
  for (const step of steps) {
    try {
      await applier.apply(step);
    } catch (error) {
      signal.throwIfAborted();
      const refusal = refusalOf(step, error);
      if (refusal !== undefined) refusals.push(refusal);
      else if (!isPassing(error)) return { refusals, failure: failureOf(step, error) };
    }
  }
  return { refusals, failure: undefined };
}

function failureOf(step: Step, error: unknown): NonNullable<Applied['failure']> {
  const isExpected =
    error instanceof KubeError || error instanceof NodeSilent || error instanceof NodeRefused;
  if (isExpected) return { step, error };
  throw error;
}

function isPassing(error: unknown): boolean {
  return error instanceof NodeRefused && error.type !== undefined && PASSING.has(error.type);
}

/** What no second try changes. A conflict, or what is gone, is seen anew in the next pass. */
function refusalOf(step: Step, error: unknown): Refusal | undefined {
  if (error instanceof NodeRefused && !isPassing(error)) {
    const isFinal = error.type !== undefined || error.status === 409;
    if (!isFinal) return undefined;
    return {
      operation: step.kind === 'operate' ? step.operation : step.kind,
      message: error.message,
    };
  }
  if (error instanceof KubeError && [400, 403, 422].includes(error.status)) {
    return { operation: nameOf(step), message: error.message };
  }
  return undefined;
}

function nameOf(step: Step): string {
  if (step.kind === 'apply') return `${step.kind} ${step.object.kind} ${step.object.metadata.name}`;
  return 'name' in step ? `${step.kind} ${step.name}` : step.kind;
}

class Applier {
  readonly #observed: ObservedTable;
  readonly #parts: ApplierParts;
  readonly #signal: AbortSignal;
  readonly #namespace: string;

  constructor(observed: ObservedTable, parts: ApplierParts, signal: AbortSignal) {
    this.#observed = observed;
    this.#parts = parts;
    this.#signal = signal;
    this.#namespace = namesOf(observed.table).identity.namespace;
  }

  async apply(step: Step): Promise<void> {
    const { certificates } = this.#parts;
    switch (step.kind) {
      case 'issueCertificates':
        return certificates.issue(certificateHolders(this.#observed.table), this.#signal);
      case 'apply':
        return this.#applyObject(step.object, step.resourceVersion);
      case 'delete':
        return this.#delete(step.type, step);
      case 'deletePod':
        return this.#delete(resources.pods, step);
      case 'resizeClaim':
        return this.#resize(step);
      case 'setFinalizer':
        return this.#setFinalizer(step.isWished);
      case 'bootstrap':
        return this.#ask({ method: 'POST', path: '/bootstrap', body: { nodes: step.nodes } });
      case 'operate':
        return this.#ask({
          method: 'POST',
          path: `/operations/${step.operation}`,
          body: step.body,
        });
      case 'drain':
        return this.#drain(step.pod, step.isWished);
    }
  }

  async #applyObject(object: WantedObject, resourceVersion: string | undefined): Promise<void> {
    const { client, writes } = this.#parts;
    const metadata =
      resourceVersion === undefined ? object.metadata : { ...object.metadata, resourceVersion };
    const options = { fieldManager: FIELD_MANAGER, force: true };
    const type = typeOf(object);
    const applied = await client.apply<KubeObject>(
      type,
      { ...object, metadata },
      options,
      this.#signal,
    );
    writes.applied({ ...applied, kind: object.kind });
    writes.add(this.#observed.table, type, applied);
  }

  async #delete(
    type: ResourceType,
    step: {
      readonly name: string;
      readonly uid: string;
      readonly propagationPolicy?: 'Background' | 'Orphan';
    },
  ): Promise<void> {
    const { name, uid, propagationPolicy = 'Background' } = step;
    const object = { namespace: this.#namespace, name };
    await this.#parts.client.delete(type, object, { uid, propagationPolicy }, this.#signal);
  }

  async #resize(step: Step & { readonly kind: 'resizeClaim' }): Promise<void> {
    const { client, writes } = this.#parts;
    const type = resources.persistentVolumeClaims;
    const body = {
      metadata: { uid: step.uid },
      spec: { resources: { requests: { storage: step.size } } },
    };
    const name = { namespace: this.#namespace, name: step.name };
    const options = { contentType: 'merge', fieldManager: FIELD_MANAGER } as const;
    const claim = await client.patch<KubeObject>(type, name, body, options, this.#signal);
    writes.add(this.#observed.table, type, claim);
  }

  async #setFinalizer(isWished: boolean): Promise<void> {
    const { client, writes } = this.#parts;
    const { table } = this.#observed;
    const { finalizers = [], resourceVersion, uid } = table.metadata;
    const others = finalizers.filter((each) => each !== CLEANUP_FINALIZER);
    const wished = isWished ? [...others, CLEANUP_FINALIZER] : others;
    // The list is replaced as a whole: only in the state that it was read from.
    const body = { metadata: { uid, resourceVersion, finalizers: wished } };
    const options = { contentType: 'merge', fieldManager: FIELD_MANAGER } as const;
    const type = resources.tables;
    const written = await client.patch<TableResource>(
      type,
      table.metadata,
      body,
      options,
      this.#signal,
    );
    writes.add(table, type, written);
  }

  async #drain(pod: string, isWished: boolean): Promise<void> {
    const address = this.#addresses().find((each) => each.pod === pod);
    if (address === undefined) return;
    const method = isWished ? 'POST' : 'DELETE';
    await this.#parts.nodes.call(address, { method, path: '/drain' }, this.#signal);
  }

  /** At a node that has the catalog, if there is one: it knows best who leads it. */
  async #ask(request: {
    readonly method: 'POST';
    readonly path: string;
    readonly body: object;
  }): Promise<void> {
    const views = answering(this.#observed.nodeViews);
    const best = views.find(hasCatalog) ?? views[0];
    const address = this.#addresses().find(({ pod }) => pod === best?.pod);
    if (address === undefined) throw new NodeSilent('no node answers');
    await this.#parts.nodes.call(address, request, this.#signal);
  }

  #addresses(): readonly NodeAddress[] {
    return this.#observed.slots.flatMap(({ pod }) => addressOf(pod) ?? []);
  }
}

/** The type of an object that the operator makes. */
export function typeOf({ apiVersion, kind }: KubeObject): ResourceType {
  const found = Object.values(resources).find(
    (type) => type.apiVersion === apiVersion && type.kind === kind,
  );
  if (found === undefined) throw new Error(`the operator makes no ${kind}`);
  return found;
}
