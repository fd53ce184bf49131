import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { pino } from 'pino';
import type { KubeClient } from '../dataplane/kubernetes/api-client.ts';
import { KubeError } from '../dataplane/kubernetes/kube-error.ts';
import { ListWatch } from '../dataplane/kubernetes/list-watch.ts';
import { type KubeObject, keyOf, type OwnerReference } from '../dataplane/kubernetes/object.ts';
import { type ResourceType, resources } from '../dataplane/kubernetes/resources.ts';
import { type SecretObject, secretText } from './certificates/secret-data.ts';
import { canonicalJson } from './table/canonical.ts';
import type { TopologyNode } from './table/children.ts';
import type {
  ClusterNode,
  ConfigMap,
  PersistentVolumeClaim,
  Pod,
  StatefulSet,
} from './table/objects.ts';
import { conditionOf } from './table/objects.ts';
import { bytesOf } from './table/quantity.ts';
import { commandOf, isListening, PodVolumes, StorageTls, writeTls } from './workload.fixture.ts';

const root = join(import.meta.dirname, '..');
const main = join(root, 'dataplane/main.ts');
/** More than any set here has. */
const ORDINALS_MAX = 12;
const TICK_MS = 60;
/** As the probe of the pods: a busy process is not taken for one that serves no more. */
const SILENCES_MAX = 3;
/** All that a process says in a test: some count lines of it. */
const OUTPUT_CHARS_MAX = 1_000_000;
const REVISION = 'controller-revision-hash';
const SELECTED_NODE = 'volume.kubernetes.io/selected-node';
/** Images with this in their name cannot be pulled. */
export const BAD_IMAGE = 'example.invalid/bad';
/** Dies with the process that started it, however that ends, where the system can do that. */
export const wrapper = existsSync('/usr/bin/setpriv')
  ? ['/usr/bin/setpriv', '--pdeathsig', 'KILL']
  : [];
let addressesCount = 0;

interface Template {
  readonly metadata: { readonly labels?: Readonly<Record<string, string>> };
  readonly spec: {
    readonly containers: readonly { readonly name: string; readonly image: string }[];
  };
}

/** A pod's process. */
interface Running {
  readonly podUid: string;
  readonly child: ChildProcess;
  /** What a kubelet keeps up to date: all files of the pod; of a storage node its certificates alone. */
  readonly volumes: Pick<PodVolumes, 'refresh'>;
  output: string;
  hasEnded: boolean;
  /** Probes in a row without any answer. */
  silencesCount: number;
}

/**
 * Plays what acts on objects in a cluster, as far as tables and caches need it: the StatefulSet controller,
 * the garbage collector, the volume binder, a scheduler, and kubelets that run the real data plane, the
 * real nodes of DaxClusters and a real Redis: each pod is a process on a loopback address of its own.
 */
export class FakeCluster {
  /** By name of the pod. */
  readonly #running = new Map<string, Running>();
  readonly #addresses = new Map<string, string>();
  /** Templates by name of the revision. */
  readonly #revisions = new Map<string, Template>();
  readonly #client: KubeClient;
  readonly #caches: Readonly<Record<string, ListWatch<KubeObject>>>;
  readonly #folder: string;
  readonly #namespace: string;
  #isClosed = false;
  #loop: Promise<void> = Promise.resolve();
  /** Ticks that failed for another reason than the API server: defects of the fixture. */
  defect: unknown;
  /** Pods of which no process is started, and whose files stay as they are. */
  readonly held = new Set<string>();
  /** Volumes of more bytes than that cannot be had: the driver says so when it is asked to grow one. */
  volumeBytesMax = Number.POSITIVE_INFINITY;

  static async start(client: KubeClient, namespace: string): Promise<FakeCluster> {
    const folder = await mkdtemp(join(tmpdir(), 'trestle-pods-'));
    const cluster = new FakeCluster(client, namespace, folder);
    await Promise.all(Object.values(cluster.#caches).map(({ synced }) => synced));
    cluster.#loop = cluster.#run();
    return cluster;
  }

  private constructor(client: KubeClient, namespace: string, folder: string) {
    this.#client = client;
    this.#namespace = namespace;
    this.#folder = folder;
    const log = pino({ level: 'silent' });
    const cache = (type: ResourceType) =>
      ListWatch.start<KubeObject>({
        client,
        log,
        type,
        namespace: type.isNamespaced ? namespace : undefined,
        onChange: () => undefined,
      });
    this.#caches = {
      Table: cache(resources.tables),
      DaxCluster: cache(resources.daxClusters),
      StatefulSet: cache(resources.statefulSets),
      Pod: cache(resources.pods),
      PersistentVolumeClaim: cache(resources.persistentVolumeClaims),
      ConfigMap: cache(resources.configMaps),
      Secret: cache(resources.secrets),
      Service: cache(resources.services),
      NetworkPolicy: cache(resources.networkPolicies),
      PodDisruptionBudget: cache(resources.podDisruptionBudgets),
      Node: cache(resources.nodes),
      StorageClass: cache(resources.storageClasses),
    };
  }

  /** Loopback address of a pod, the same for all pods of this name. */
  addressOf(pod: string): string {
    const known = this.#addresses.get(pod);
    if (known !== undefined) return known;
    addressesCount += 1;
    const address = `127.${100 + (process.pid % 100)}.${1 + (Math.floor(process.pid / 100) % 250)}.${addressesCount}`;
    this.#addresses.set(pod, address);
    return address;
  }

  outputOf(pod: string): string {
    return this.#running.get(pod)?.output ?? '';
  }

  /** Of the process, as long as it runs. */
  pidOf(pod: string): number | undefined {
    const running = this.#running.get(pod);
    return running === undefined || running.hasEnded ? undefined : running.child.pid;
  }

  /** As a crash does; the kubelet starts another one. */
  async kill(pod: string): Promise<void> {
    const running = this.#running.get(pod);
    if (running === undefined || running.hasEnded) return;
    const exited = once(running.child, 'exit');
    running.child.kill('SIGKILL');
    await exited;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#loop;
    for (const cache of Object.values(this.#caches)) cache.close();
    await Promise.all([...this.#running.keys()].map((pod) => this.kill(pod)));
    await rm(this.#folder, { recursive: true, force: true });
  }

  async #run(): Promise<void> {
    while (!this.#isClosed) {
      try {
        await this.#tick();
      } catch (error) {
        // Conflicts and outages: the caches show what is true in a moment.
        if (!(error instanceof KubeError)) this.defect = error;
      }
      await delay(TICK_MS);
    }
  }

  async #tick(): Promise<void> {
    await this.#collectGarbage();
    for (const set of this.#items<StatefulSet>('StatefulSet')) await this.#control(set);
    for (const claim of this.#items<PersistentVolumeClaim>('PersistentVolumeClaim'))
      await this.#bind(claim);
    for (const pod of this.#items<Pod>('Pod')) await this.#runPod(pod);
  }

  #items<T extends KubeObject>(kind: string): readonly T[] {
    return [...(this.#caches[kind]?.items() ?? [])] as T[];
  }

  #get<T extends KubeObject>(kind: string, name: string): T | undefined {
    return this.#caches[kind]?.get({ namespace: this.#namespace, name }) as T | undefined;
  }

  async #collectGarbage(): Promise<void> {
    const alive = new Set(
      [...Object.keys(OWNER_TYPES)].flatMap((kind) =>
        this.#items(kind).map(({ metadata }) => metadata.uid),
      ),
    );
    const kinds = [
      'StatefulSet',
      'ConfigMap',
      'Secret',
      'Service',
      'NetworkPolicy',
      'PodDisruptionBudget',
      'Pod',
    ];
    for (const object of kinds.flatMap((kind) => this.#items(kind))) {
      const owner = object.metadata.ownerReferences?.find(({ controller }) => controller === true);
      if (owner === undefined || alive.has(owner.uid)) continue;
      if (object.metadata.deletionTimestamp !== undefined) continue;
      // An owner that is new may not be in the cache yet.
      const type = OWNER_TYPES[owner.kind];
      // Nobody here deletes an AccessKey whose Secret is looked for.
      if (type === undefined) continue;
      const there = await this.#client.get(type, { namespace: this.#namespace, name: owner.name });
      if (there?.metadata.uid === owner.uid) continue;
      await this.#delete(object);
    }
  }

  /** The StatefulSet controller. */
  async #control(set: StatefulSet): Promise<void> {
    const { metadata, spec } = set;
    if (metadata.deletionTimestamp !== undefined) return this.#orphan(set);
    const update = this.#revisionOf(set);
    const current = set.status?.currentRevision || update;
    const { partition = 0 } = spec.updateStrategy?.rollingUpdate ?? {};
    const pods: Pod[] = [];
    for (let ordinal = 0; ordinal < ORDINALS_MAX; ordinal++) {
      const pod = this.#get<Pod>('Pod', `${metadata.name}-${ordinal}`);
      if (pod !== undefined) pods.push(pod);
      if (ordinal < (spec.replicas ?? 1)) {
        const revision = partition > ordinal ? current : update;
        if (pod === undefined) await this.#createPod(set, ordinal, revision);
        else if (pod.metadata.ownerReferences === undefined) await this.#adopt(set, pod);
      } else if (pod !== undefined && pod.metadata.deletionTimestamp === undefined) {
        await this.#delete(pod);
      }
    }
    if (!isOnDelete(set)) await this.#roll(pods, { update, partition });
    await this.#tellSet(set, { pods, current, update });
  }

  async #adopt(set: StatefulSet, pod: Pod): Promise<void> {
    const body = { metadata: { ownerReferences: [ownerOf(set)] } };
    await this.#client.patch(resources.pods, pod.metadata, body, { contentType: 'merge' });
  }

  /** From the highest ordinal, one at a time, as far as the partition lets them go. */
  async #roll(
    pods: readonly Pod[],
    { update, partition }: { readonly update: string; readonly partition: number },
  ): Promise<void> {
    for (const pod of pods.slice(partition).toReversed()) {
      const isGoing = pod.metadata.deletionTimestamp !== undefined;
      if (pod.metadata.labels?.[REVISION] !== update && !isGoing) return this.#delete(pod);
      if (isGoing || conditionOf(pod, 'Ready')?.status !== 'True') return;
    }
  }

  #revisionOf({ metadata, spec }: StatefulSet): string {
    const text = canonicalJson(spec.template);
    const revision = `${metadata.name}-${createHash('sha256').update(text).digest('hex').slice(0, 8)}`;
    this.#revisions.set(revision, spec.template as unknown as Template);
    return revision;
  }

  async #tellSet(
    set: StatefulSet,
    {
      pods,
      current,
      update,
    }: { readonly pods: readonly Pod[]; readonly current: string; readonly update: string },
  ): Promise<void> {
    const ready = pods.filter((pod) => conditionOf(pod, 'Ready')?.status === 'True');
    const updated = pods.filter(({ metadata }) => metadata.labels?.[REVISION] === update);
    const isRolled = pods.length > 0 && pods.every((pod) => ready.includes(pod));
    const status = {
      observedGeneration: set.metadata.generation,
      replicas: pods.length,
      readyReplicas: ready.length,
      updatedReplicas: updated.length,
      currentRevision: isRolled && updated.length === pods.length ? update : current,
      updateRevision: update,
    };
    const known = set.status as Readonly<Record<string, unknown>> | undefined;
    const isTold = Object.entries(status).every(([name, value]) => (known?.[name] ?? 0) === value);
    if (isTold) return;
    await this.#client.patch(
      resources.statefulSets,
      set.metadata,
      { status },
      { contentType: 'merge', subresource: 'status' },
    );
  }

  /** What the garbage collector does for propagation policy Orphan. */
  async #orphan(set: StatefulSet): Promise<void> {
    const pod = this.#get<Pod>('Pod', `${set.metadata.name}-0`);
    if (pod?.metadata.ownerReferences !== undefined) {
      await this.#client.patch(
        resources.pods,
        pod.metadata,
        { metadata: { ownerReferences: null } },
        { contentType: 'merge' },
      );
    }
    await this.#client.patch(
      resources.statefulSets,
      set.metadata,
      { metadata: { finalizers: null } },
      { contentType: 'merge' },
    );
  }

  async #createPod(set: StatefulSet, ordinal: number, revision: string): Promise<void> {
    const name = `${set.metadata.name}-${ordinal}`;
    const template = this.#revisions.get(revision) ?? (set.spec.template as unknown as Template);
    const claimName = `data-${name}`;
    const hasClaim = (set.spec.volumeClaimTemplates ?? []).length > 0;
    const claim = this.#get<PersistentVolumeClaim>('PersistentVolumeClaim', claimName);
    if (hasClaim && claim === undefined) await this.#createClaim(set, claimName);
    else if (claim?.metadata.deletionTimestamp !== undefined) return;
    const machine = this.#machineFor(template, this.#get('PersistentVolumeClaim', claimName));
    const claimed = hasClaim ? [{ name: 'data', persistentVolumeClaim: { claimName } }] : [];
    const spec = template.spec as unknown as { readonly volumes: readonly object[] };
    const own = { [REVISION]: revision, 'apps.kubernetes.io/pod-index': String(ordinal) };
    await this.#client.create(resources.pods, {
      metadata: {
        name,
        namespace: this.#namespace,
        labels: { ...template.metadata.labels, ...own },
        ownerReferences: [ownerOf(set)],
      },
      spec: {
        ...spec,
        hostname: name,
        volumes: [...spec.volumes, ...claimed],
        ...(machine === undefined ? {} : { nodeName: machine }),
      },
    } as never);
    // Until the cache shows it, there is none.
    await this.#untilSeen('Pod', name);
  }

  async #createClaim(set: StatefulSet, name: string): Promise<void> {
    const [template] = set.spec.volumeClaimTemplates ?? [];
    const { metadata, spec } = template as unknown as {
      readonly metadata: { readonly labels: Readonly<Record<string, string>> };
      readonly spec: object;
    };
    await this.#client.create(resources.persistentVolumeClaims, {
      metadata: { name, namespace: this.#namespace, labels: metadata.labels },
      spec,
    } as never);
    await this.#untilSeen('PersistentVolumeClaim', name);
  }

  async #untilSeen(kind: string, name: string): Promise<void> {
    const endMs = performance.now() + 5_000;
    while (this.#get(kind, name) === undefined && performance.now() < endMs) await delay(5);
  }

  /** Where the pod's zone and its volume are; undefined: nowhere. */
  #machineFor(template: Template, claim: PersistentVolumeClaim | undefined): string | undefined {
    if (claim !== undefined && !this.#canHaveVolume(claim)) return undefined;
    const zone = /"key":"topology.kubernetes.io\/zone","operator":"In","values":\["([^"]+)"\]/.exec(
      canonicalJson(template),
    )?.[1];
    const bound = claim?.metadata.annotations?.[SELECTED_NODE];
    const used = this.#items<Pod>('Pod').map((pod) => pod.spec.nodeName);
    const usable = this.#items<ClusterNode>('Node').filter(
      ({ metadata, spec, status }) =>
        (zone === undefined || metadata.labels?.['topology.kubernetes.io/zone'] === zone) &&
        (bound === undefined || bound === metadata.name) &&
        spec?.unschedulable !== true &&
        conditionOf({ status: status ?? {} }, 'Ready')?.status === 'True',
    );
    const count = (name: string) => used.filter((each) => each === name).length;
    return usable.toSorted((a, b) => count(a.metadata.name) - count(b.metadata.name))[0]?.metadata
      .name;
  }

  #canHaveVolume({ spec, status }: PersistentVolumeClaim): boolean {
    const { storageClassName } = spec;
    if (status?.phase === 'Bound') return true;
    return this.#items('StorageClass').some(({ metadata: { name } }) => name === storageClassName);
  }

  async #bind(claim: PersistentVolumeClaim): Promise<void> {
    const { metadata, spec, status } = claim;
    const pod = this.#get<Pod>('Pod', metadata.name.slice('data-'.length));
    if (metadata.deletionTimestamp !== undefined) {
      if (pod?.spec.nodeName !== undefined) return;
      rmSync(this.#dataFolder(claim), { recursive: true, force: true });
      await this.#client.patch(
        resources.persistentVolumeClaims,
        metadata,
        { metadata: { finalizers: null } },
        { contentType: 'merge' },
      );
      return;
    }
    const machine = pod?.spec.nodeName;
    if (status?.phase === 'Bound') return this.#grow(claim);
    if (machine === undefined) return;
    await this.#client.patch(
      resources.persistentVolumeClaims,
      metadata,
      {
        metadata: { annotations: { [SELECTED_NODE]: machine } },
        spec: { volumeName: `pv-${metadata.uid}` },
      },
      { contentType: 'merge' },
    );
    const capacity = { storage: spec.resources?.requests?.storage };
    await this.#client.patch(
      resources.persistentVolumeClaims,
      metadata,
      {
        status: { phase: 'Bound', capacity },
      },
      { contentType: 'merge', subresource: 'status' },
    );
  }

  /** What a driver does that can expand volumes in use. */
  async #grow(claim: PersistentVolumeClaim): Promise<void> {
    const { metadata, spec, status } = claim;
    const capacity = { storage: spec.resources?.requests?.storage };
    if (status?.capacity?.storage === capacity.storage) return;
    if ((bytesOf(capacity.storage) ?? 0) > this.volumeBytesMax) return this.#refuseGrowth(claim);
    await this.#client.patch(
      resources.persistentVolumeClaims,
      metadata,
      { status: { capacity, allocatedResourceStatuses: null, conditions: null } },
      { contentType: 'merge', subresource: 'status' },
    );
  }

  /** As the resizer says it of what no retry changes. */
  async #refuseGrowth(claim: PersistentVolumeClaim): Promise<void> {
    if (conditionOf(claim, 'ControllerResizeError') !== undefined) return;
    const status = {
      allocatedResourceStatuses: { storage: 'ControllerResizeInfeasible' },
      conditions: [
        {
          type: 'ControllerResizeError',
          status: 'True',
          reason: 'InvalidArgument',
          message: 'no volume is that large',
          lastTransitionTime: rfc3339(),
        },
      ],
    };
    const options = { contentType: 'merge', subresource: 'status' } as const;
    await this.#client.patch(resources.persistentVolumeClaims, claim.metadata, { status }, options);
  }

  async #runPod(pod: Pod): Promise<void> {
    const { metadata } = pod;
    const running = this.#running.get(metadata.name);
    if (metadata.deletionTimestamp !== undefined) return this.#endPod(pod, running);
    if (pod.spec.nodeName === undefined) return this.#retrySchedule(pod);
    const image = pod.spec.containers?.[0]?.image ?? '';
    if (image.startsWith(BAD_IMAGE)) {
      const waiting = { reason: 'ImagePullBackOff', message: `Back-off pulling image "${image}"` };
      return this.#tellPod(pod, { isReady: false, phase: 'Pending', waiting });
    }
    if (running === undefined || running.hasEnded || running.podUid !== metadata.uid) {
      if (running !== undefined && !running.hasEnded) return;
      if (!this.held.has(metadata.name)) await this.#startProcess(pod);
      return this.#tellPod(pod, { isReady: false, phase: 'Running' });
    }
    if (!this.held.has(metadata.name)) await running.volumes.refresh();
    const address = this.addressOf(metadata.name);
    const isRedis = containerOf(pod) === 'redis';
    const isReady = isRedis
      ? (await isListening(address, 6379)) || undefined
      : await isReadyAt(address);
    running.silencesCount = isReady === undefined ? running.silencesCount + 1 : 0;
    const wasReady = conditionOf(pod, 'Ready')?.status === 'True';
    const isExcused = wasReady && isReady === undefined && running.silencesCount < SILENCES_MAX;
    return this.#tellPod(pod, { isReady: isReady ?? isExcused, phase: 'Running' });
  }

  /** A pod that nothing had room for is made anew when there is: the fixture binds at creation alone. */
  async #retrySchedule(pod: Pod): Promise<void> {
    const claim = this.#get<PersistentVolumeClaim>(
      'PersistentVolumeClaim',
      `data-${pod.metadata.name}`,
    );
    const template = { metadata: {}, spec: pod.spec } as unknown as Template;
    if (claim?.metadata.deletionTimestamp !== undefined) return;
    if (claim === undefined && containerOf(pod) === 'storage') {
      return void (await this.#delete(pod));
    }
    const machine = this.#machineFor(template, claim);
    if (machine === undefined) {
      const message = '0/3 nodes are available: node affinity and volumes do not match';
      const unscheduled = {
        type: 'PodScheduled',
        status: 'False',
        reason: 'Unschedulable',
        message,
      };
      if (conditionOf(pod, 'PodScheduled')?.status === 'False') return;
      await this.#client.patch(
        resources.pods,
        pod.metadata,
        {
          status: { conditions: [{ ...unscheduled, lastTransitionTime: rfc3339() }] },
        },
        { contentType: 'merge', subresource: 'status' },
      );
      return;
    }
    await this.#delete(pod);
  }

  async #startProcess(pod: Pod): Promise<void> {
    if (containerOf(pod) === 'storage') return this.#startStorage(pod);
    const { uid = '' } = pod.metadata;
    const volumes = new PodVolumes(pod, {
      client: this.#client,
      folder: join(this.#folder, uid),
    });
    // As a kubelet does, it waits for what is not there yet.
    if (!(await volumes.refresh())) return;
    const addressOf = (name: string) => this.addressOf(name);
    this.#spawn(pod, volumes, commandOf(pod, { folder: volumes.folder, addressOf }));
  }

  async #startStorage(pod: Pod): Promise<void> {
    const { name, uid = '' } = pod.metadata;
    const base = name.replace(/-z\d+-0$/, '');
    const configMap = this.#get<ConfigMap>('ConfigMap', `${base}-topology`);
    const secret = await this.#client.get<SecretObject>(resources.secrets, {
      namespace: this.#namespace,
      name: `${base}-tls`,
    });
    const claim = this.#get<PersistentVolumeClaim>('PersistentVolumeClaim', `data-${name}`);
    if (configMap === undefined || secret === undefined || claim?.status?.phase !== 'Bound') return;
    const folder = join(this.#folder, uid);
    this.#writeVolumes(folder, name, { configMap, secret });
    const hasTriggers = await this.#writeTriggers(folder, pod);
    const args = [
      ...[main, 'node', '--topology', join(folder, 'topology', 'topology.json')],
      ...['--id', name, '--data', this.#dataFolder(claim), '--log-level', 'info'],
      ...(hasTriggers ? ['--secrets', join(folder, 'triggers')] : []),
    ];
    const volumes = new StorageTls(pod, {
      client: this.#client,
      folder: join(folder, 'tls'),
      secretName: `${base}-tls`,
    });
    this.#spawn(pod, volumes, [process.execPath, ...args]);
  }

  #spawn(pod: Pod, volumes: Running['volumes'], words: readonly string[]): void {
    const { name, uid = '' } = pod.metadata;
    const [command = '', ...rest] = [...wrapper, ...words];
    const child = spawn(command, rest, { stdio: ['ignore', 'pipe', 'pipe'], cwd: root });
    const running: Running = {
      podUid: uid,
      child,
      volumes,
      output: '',
      hasEnded: false,
      silencesCount: 0,
    };
    const read = (chunk: Buffer) => {
      running.output = (running.output + chunk.toString()).slice(-OUTPUT_CHARS_MAX);
    };
    child.stdout?.on('data', read);
    child.stderr?.on('data', read);
    child.once('exit', () => {
      running.hasEnded = true;
    });
    this.#running.set(name, running);
  }

  /** The pod's files, with loopback addresses in place of DNS names. */
  #writeVolumes(
    folder: string,
    pod: string,
    { configMap, secret }: { readonly configMap: ConfigMap; readonly secret: SecretObject },
  ): void {
    const topology = JSON.parse(configMap.data?.['topology.json'] ?? '') as {
      readonly nodes: readonly TopologyNode[];
    };
    const nodes = topology.nodes.map((node) => ({ ...node, host: this.addressOf(node.id) }));
    mkdirSync(join(folder, 'topology'), { recursive: true });
    writeTls(join(folder, 'tls'), pod, secret);
    writeFileSync(
      join(folder, 'topology', 'topology.json'),
      JSON.stringify({ ...topology, nodes }),
    );
  }

  /** Files of the projected volume of triggers. @returns whether the pod has one */
  async #writeTriggers(folder: string, { spec }: Pod): Promise<boolean> {
    const { volumes = [] } = spec as { readonly volumes?: readonly TriggersVolume[] };
    const volume = volumes.find(({ name }) => name === 'triggers');
    for (const { secret } of volume?.projected?.sources ?? []) {
      if (secret === undefined) continue;
      const { name } = secret;
      const object = { namespace: this.#namespace, name };
      const found = await this.#client.get<SecretObject>(resources.secrets, object);
      for (const { key, path } of secret.items) {
        const text = found && secretText(found, key);
        if (text === undefined) continue;
        mkdirSync(dirname(join(folder, 'triggers', path)), { recursive: true });
        writeFileSync(join(folder, 'triggers', path), text);
      }
    }
    return volume !== undefined;
  }

  #dataFolder({ metadata }: PersistentVolumeClaim): string {
    return join(this.#folder, `volume-${metadata.uid}`);
  }

  async #endPod(pod: Pod, running: Running | undefined): Promise<void> {
    if (running !== undefined && running.podUid === pod.metadata.uid && !running.hasEnded) {
      running.child.kill('SIGTERM');
      // Signals come once: a second one would end it at once.
      await Promise.race([once(running.child, 'exit'), delay(15_000)]);
      if (!running.hasEnded) running.child.kill('SIGKILL');
    }
    await this.#client.delete(resources.pods, pod.metadata, {
      uid: pod.metadata.uid,
      gracePeriodSeconds: 0,
    });
  }

  async #tellPod(
    pod: Pod,
    {
      isReady,
      phase,
      waiting,
    }: { readonly isReady: boolean; readonly phase: string; readonly waiting?: object },
  ): Promise<void> {
    const status = isReady ? 'True' : 'False';
    const known = conditionOf(pod, 'Ready');
    if (known?.status === status && pod.status?.phase === phase) return;
    const condition = { type: 'Ready', status, lastTransitionTime: rfc3339() };
    const podIP = this.addressOf(pod.metadata.name);
    const containerStatuses =
      waiting === undefined
        ? []
        : [
            {
              name: containerOf(pod),
              image: '',
              imageID: '',
              ready: false,
              restartCount: 0,
              state: { waiting },
            },
          ];
    await this.#client.patch(
      resources.pods,
      pod.metadata,
      {
        status: {
          phase,
          conditions: [condition],
          ...(waiting === undefined ? { podIP, podIPs: [{ ip: podIP }] } : {}),
          containerStatuses,
        },
      },
      { contentType: 'merge', subresource: 'status' },
    );
  }

  async #delete(object: KubeObject): Promise<void> {
    const type = Object.values(resources).find(({ kind }) => kind === object.kind);
    if (type === undefined) throw new Error(`no type for ${object.kind} ${keyOf(object.metadata)}`);
    await this.#client.delete(type, object.metadata, { uid: object.metadata.uid });
  }
}

/** Kinds that own objects here. */
const OWNER_TYPES: Readonly<Record<string, ResourceType>> = {
  Table: resources.tables,
  DaxCluster: resources.daxClusters,
  StatefulSet: resources.statefulSets,
};

function isOnDelete({ spec }: StatefulSet): boolean {
  const { type } = (spec.updateStrategy ?? {}) as { readonly type?: string };
  return type === 'OnDelete';
}

/** What a pod runs: `storage`, `dax`, `redis`. */
function containerOf({ spec }: Pod): string {
  return spec.containers?.[0]?.name ?? '';
}

function ownerOf({ apiVersion, kind, metadata }: StatefulSet): OwnerReference {
  const { name, uid = '' } = metadata;
  return { apiVersion, kind, name, uid, controller: true, blockOwnerDeletion: true };
}

/** @returns undefined without an answer */
async function isReadyAt(address: string): Promise<boolean | undefined> {
  try {
    const answer = await fetch(`http://${address}:8004/readyz`, {
      signal: AbortSignal.timeout(2_000),
    });
    await answer.body?.cancel();
    return answer.status === 200;
  } catch {
    return undefined;
  }
}

function rfc3339(): string {
  return new Date().toISOString().replace(/\.\d+Z$/, 'Z');
}

/** Of a pod, where its triggers need files; Secrets alone are played here. */
interface TriggersVolume {
  readonly name: string;
  readonly projected?: {
    readonly sources: readonly {
      readonly secret?: {
        readonly name: string;
        readonly items: readonly { readonly key: string; readonly path: string }[];
      };
    }[];
  };
}
