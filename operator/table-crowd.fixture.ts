import { createHash, randomBytes } from 'node:crypto';
import { pino } from 'pino';
import type { KubeClient } from '../dataplane/kubernetes/api-client.ts';
import { systemClock } from '../dataplane/kubernetes/clock.ts';
import { isKubeError, KubeError } from '../dataplane/kubernetes/kube-error.ts';
import { ListWatch } from '../dataplane/kubernetes/list-watch.ts';
import { type KubeObject, keyOf, nameOf } from '../dataplane/kubernetes/object.ts';
import { type ResourceType, resources } from '../dataplane/kubernetes/resources.ts';
import { type KeyPair, newLeaf } from './certificates/authority.ts';
import { AUTHORITY_SECRET } from './certificates/authority-secret.ts';
import { type SecretObject, secretText } from './certificates/secret-data.ts';
import { StorageNodes } from './storage-nodes.fixture.ts';
import { canonicalJson } from './table/canonical.ts';
import { SLOT_LABEL, TABLE_UID_LABEL, ZONE } from './table/names.ts';
import type { StatefulSet } from './table/objects.ts';
import { type WorkOutcome, WorkQueue } from './work-queue.ts';

const WORKERS_COUNT = 8;
const SLOTS_COUNT = 3;
const CREATED_BY = 'crowd';

/**
 * Plays what acts on the objects of very many tables, without any process: each StatefulSet gets a bound
 * claim and a pod that is ready at once, and each pod a node that answers (`StorageNodes`). Nothing is ever
 * taken away again; `kubelet.fixture.ts` plays a cluster in full.
 */
export class TableCrowd {
  readonly nodes: StorageNodes;
  readonly #client: KubeClient;
  readonly #sets: ListWatch<StatefulSet>;
  readonly #queue: WorkQueue;
  /** Revision and generation that were told, by uid of the StatefulSet. */
  readonly #told = new Map<string, string>();

  static async start(
    client: KubeClient,
    { namespace, address }: { readonly namespace: string; readonly address: string },
  ): Promise<TableCrowd> {
    const identityOf = (pod: string) => identityIn(client, namespace, pod);
    const nodes = await StorageNodes.listen({ address, identityOf });
    return new TableCrowd(client, namespace, nodes);
  }

  private constructor(client: KubeClient, namespace: string, nodes: StorageNodes) {
    this.#client = client;
    this.nodes = nodes;
    this.#queue = new WorkQueue({
      workersCount: WORKERS_COUNT,
      work: (key) => this.#work(key),
      clock: systemClock,
      random: Math.random,
    });
    this.#queue.start();
    this.#sets = ListWatch.start<StatefulSet>({
      ...{ client, namespace, type: resources.statefulSets },
      log: pino({ level: 'silent' }),
      onChange: ({ object }) => this.#queue.add(keyOf(object.metadata)),
    });
  }

  async close(): Promise<void> {
    this.#sets.close();
    await this.#queue.close();
    await this.nodes.close();
  }

  async #work(key: string): Promise<WorkOutcome> {
    const set = this.#sets.get(nameOf(key));
    if (set === undefined) return { kind: 'done', againMs: undefined };
    try {
      await this.#control(set);
      return { kind: 'done', againMs: undefined };
    } catch (error) {
      // The API server is away, or somebody else has written: again.
      if (error instanceof KubeError) return { kind: 'failed' };
      throw error;
    }
  }

  async #control(set: StatefulSet): Promise<void> {
    const { uid = '', generation } = set.metadata;
    const text = canonicalJson(set.spec.template);
    const hash = createHash('sha256').update(text).digest('hex').slice(0, 8);
    const revision = `${set.metadata.name}-${hash}`;
    const told = `${revision} ${generation}`;
    if (this.#told.get(uid) === told) return;
    if (!this.#told.has(uid)) {
      await this.#makeClaim(set);
      await this.#makePod(set, revision);
    }
    await this.#tell(resources.statefulSets, set, {
      ...{ observedGeneration: generation, replicas: 1, readyReplicas: 1, updatedReplicas: 1 },
      ...{ currentRevision: revision, updateRevision: revision },
    });
    this.#told.set(uid, told);
  }

  async #makeClaim({ metadata, spec }: StatefulSet): Promise<void> {
    const name = `data-${metadata.name}-0`;
    const [template] = spec.volumeClaimTemplates ?? [];
    const { requests } = template?.spec.resources ?? {};
    const { labels, namespace } = metadata;
    const claim = await this.#create(resources.persistentVolumeClaims, {
      metadata: { name, ...(namespace && { namespace }), ...(labels && { labels }) },
      spec: { ...template?.spec, volumeName: `pv-${name}` },
    });
    const capacity = { storage: requests?.storage };
    await this.#tell(resources.persistentVolumeClaims, claim, { phase: 'Bound', capacity });
  }

  async #makePod({ metadata, spec }: StatefulSet, revision: string): Promise<void> {
    const pod = `${metadata.name}-0`;
    // The rest of a pod template, which the API server completes.
    const template = spec.template as unknown as {
      readonly metadata: { readonly labels: Readonly<Record<string, string>> };
      readonly spec: { readonly volumes: readonly object[] };
    };
    const labels = { ...template.metadata.labels, 'controller-revision-hash': revision };
    const volume = { name: 'data', persistentVolumeClaim: { claimName: `data-${pod}` } };
    const owner = { apiVersion: 'apps/v1', kind: 'StatefulSet', name: metadata.name };
    const made = await this.#create(resources.pods, {
      metadata: {
        ...{ name: pod, labels },
        ...(metadata.namespace && { namespace: metadata.namespace }),
        ownerReferences: [{ ...owner, uid: metadata.uid ?? '', controller: true }],
      },
      spec: {
        ...template.spec,
        hostname: pod,
        volumes: [...template.spec.volumes, volume],
        nodeName: `machine-of-${metadata.annotations?.[ZONE]}`,
      },
    });
    this.nodes.add({
      pod,
      clusterId: metadata.labels?.[TABLE_UID_LABEL] ?? '',
      slot: Number(metadata.labels?.[SLOT_LABEL]),
      slotsCount: SLOTS_COUNT,
    });
    const lastTransitionTime = new Date().toISOString().replace(/\.\d+Z$/, 'Z');
    const podIP = this.nodes.address;
    await this.#tell(resources.pods, made, {
      ...{ phase: 'Running', podIP, podIPs: [{ ip: podIP }] },
      conditions: [{ type: 'Ready', status: 'True', lastTransitionTime }],
    });
  }

  /** What is there already is as good. */
  async #create(
    type: ResourceType,
    object: Pick<KubeObject, 'metadata'> & { readonly spec: object },
  ): Promise<Pick<KubeObject, 'metadata'>> {
    try {
      return await this.#client.create(type, object, { fieldManager: CREATED_BY });
    } catch (error) {
      if (isKubeError(error, 409)) return object;
      throw error;
    }
  }

  async #tell(
    type: ResourceType,
    { metadata }: Pick<KubeObject, 'metadata'>,
    status: object,
  ): Promise<void> {
    const options = { contentType: 'merge', subresource: 'status' } as const;
    await this.#client.patch(type, metadata, { status }, options);
  }
}

/** A certificate of the namespace's authority, as the operator issues them to pods. */
async function identityIn(
  client: KubeClient,
  namespace: string,
  pod: string,
): Promise<KeyPair & { readonly ca: string }> {
  const name = { namespace, name: AUTHORITY_SECRET };
  const secret = await client.get<SecretObject>(resources.secrets, name);
  const ca = secretText(secret, 'ca.crt') ?? '';
  const authority = { certificate: ca, key: secretText(secret, 'ca.key') ?? '' };
  const names = { commonName: pod, dnsNames: [pod], uri: `spiffe://trestle.dev/tests/${pod}` };
  return { ca, ...(await newLeaf(authority, names, { nowMs: Date.now(), randomBytes })) };
}
