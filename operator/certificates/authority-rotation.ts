import type { Logger } from 'pino';
import type { KubeClient } from '../../dataplane/kubernetes/api-client.ts';
import { resources } from '../../dataplane/kubernetes/resources.ts';
import type { EventRecorder } from '../event-recorder.ts';
import { HealthPorts } from '../health-port.ts';
import type { Pod } from '../table/objects.ts';
import { newAuthority } from './authority.ts';
import {
  type Authority,
  type AuthorityChange,
  begun,
  dropped,
  reissued,
} from './authority-secret.ts';
import { authorityName, type NamespaceSecrets } from './namespace-secrets.ts';
import { planRotation, SETTLE_MS } from './rotation.ts';
import { isConcerned, lackOf, reportOf, type Wanted, wantedOf } from './rotation-proof.ts';
import type { SecretObject } from './secret-data.ts';

/** While pods load what they were given: a kubelet looks every 60 to 90 s. */
const LOOK_MS = 10_000;
/** After a step, the Secrets are written. */
const STEPPED_MS = 1_000;
/** All processes that have certificates of the authority, routers among them, which the caches do not have. */
const CONCERNED =
  'app.kubernetes.io/name=trestle,app.kubernetes.io/component in (router,storage,dax)';
const ASKED_AT_ONCE = 16;
/** So many that lack something are enough to know that the phase goes on: the others are asked later. */
const LACKING_MAX = 20;

export interface AuthorityRotationOptions {
  readonly client: KubeClient;
  readonly secrets: NamespaceSecrets;
  readonly recorder: Pick<EventRecorder, 'record'>;
  readonly fieldManager: string;
  readonly log: Logger;
}

interface AskedPod {
  readonly name: string;
  readonly uid: string;
  /** Empty: it has none yet. */
  readonly ip: string;
}

/** A pod that a rotation waits for. */
interface Lacking {
  readonly pod: string;
  readonly reason: string;
}

/**
 * Replaces the authorities of namespaces, in three phases, each of which ends when all pods have proved that
 * they have loaded what it has brought. Whoever comes after a crash goes on from what the Secret says.
 */
export class AuthorityRotation {
  readonly #options: AuthorityRotationOptions;
  readonly #ports = new HealthPorts();
  /** Pods that have proved it, by uid, for the `ca.crt` of a namespace: they are not asked twice. */
  readonly #proved = new Map<string, { readonly bundle: string; readonly uids: Set<string> }>();
  readonly #waitedFor = new Map<string, readonly Lacking[]>();

  constructor(options: AuthorityRotationOptions) {
    this.#options = options;
  }

  /** By namespace, how many pods (20: or more) a rotation waits for; none where none is under way. */
  get waitedFor(): ReadonlyMap<string, number> {
    return new Map([...this.#waitedFor].map(([namespace, pods]) => [namespace, pods.length]));
  }

  /**
   * Does the next step, if it is time for it. `secrets` has read the authority in this pass.
   * @returns when to look again, in ms from now; undefined: no rotation is under way
   * @throws AuthorityBroken, KubeError, also when somebody has written the Secret meanwhile
   */
  async advance(namespace: string, signal: AbortSignal): Promise<number | undefined> {
    const { secrets } = this.#options;
    const authority = await secrets.authority(namespace, signal);
    const { nowMs } = secrets.issuance();
    const plan = planRotation(authority, nowMs);
    if (plan.kind !== 'prove') this.#waitedFor.delete(namespace);
    switch (plan.kind) {
      case 'rest':
        this.#proved.delete(namespace);
        return undefined;
      case 'begin':
        return this.#begin(namespace, { authority, ...plan }, signal);
      case 'wait':
        return Math.max(0, plan.untilMs - nowMs);
      case 'prove': {
        const lacking = await this.#lacking(namespace, authority, signal);
        this.#tell(namespace, lacking);
        if (lacking.length > 0) return LOOK_MS;
        return this.#finish(namespace, { authority, phase: plan.next }, signal);
      }
    }
  }

  close(): void {
    this.#ports.close();
  }

  async #begin(
    namespace: string,
    parts: {
      readonly authority: Authority;
      readonly reason: string;
      readonly notBeforeMs: number;
    },
    signal: AbortSignal,
  ): Promise<number> {
    const { authority, reason, notBeforeMs } = parts;
    const next = await newAuthority(authorityName(namespace), this.#options.secrets.issuance());
    const change = begun(authority, next, notBeforeMs);
    const from = new Date(notBeforeMs).toISOString();
    const note = `another authority is trusted beside the present one (${reason}); it signs from ${from} on, when all pods trust it`;
    return this.#write(namespace, { change, reason: 'AuthorityRotationBegun', note }, signal);
  }

  #finish(
    namespace: string,
    { authority, phase }: { readonly authority: Authority; readonly phase: 'reissue' | 'drop' },
    signal: AbortSignal,
  ): Promise<number> {
    this.#waitedFor.delete(namespace);
    if (phase === 'drop') {
      const note = 'all pods show certificates of the new authority: the former one is dropped';
      const change = dropped(authority);
      return this.#write(namespace, { change, reason: 'AuthorityRotationEnded', note }, signal);
    }
    if (authority.next === undefined) throw new Error('phase 1 has a next authority');
    const untilMs = this.#options.secrets.issuance().nowMs + SETTLE_MS;
    const change = reissued(authority, authority.next, untilMs);
    const note = 'all pods trust the new authority: all certificates are made anew by it';
    return this.#write(namespace, { change, reason: 'AuthorityReplaced', note }, signal);
  }

  async #write(
    namespace: string,
    step: { readonly change: AuthorityChange; readonly reason: string; readonly note: string },
    signal: AbortSignal,
  ): Promise<number> {
    const { client, secrets, fieldManager, recorder, log } = this.#options;
    const { change, reason, note } = step;
    const { name } = (await secrets.authority(namespace, signal)).secret.metadata;
    const options = { contentType: 'merge', fieldManager } as const;
    const written = await client.patch<SecretObject>(
      resources.secrets,
      { namespace, name },
      change,
      options,
      signal,
    );
    secrets.authorityWritten(namespace, written);
    log.info({ namespace, reason, note }, 'a rotation of an authority goes on');
    const regarding = { ...written, apiVersion: 'v1', kind: 'Secret' };
    recorder.record(regarding, { type: 'Normal', reason, action: 'Rotate', note });
    return STEPPED_MS;
  }

  /** Pods without the proof, as many as it takes to know that there are some. */
  async #lacking(
    namespace: string,
    authority: Authority,
    signal: AbortSignal,
  ): Promise<readonly Lacking[]> {
    const wanted = wantedOf(authority);
    const proved = this.#provedFor(namespace, authority.bundle);
    const open = await this.#concerned(namespace, proved, signal);
    const lacking: Lacking[] = [];
    for (let at = 0; at < open.length && lacking.length < LACKING_MAX; at += ASKED_AT_ONCE) {
      const some = open.slice(at, at + ASKED_AT_ONCE);
      const reasons = await Promise.all(some.map(({ ip }) => this.#ask(ip, wanted, signal)));
      for (const [index, { name, uid }] of some.entries()) {
        const reason = reasons[index];
        if (reason === undefined) proved.add(uid);
        else lacking.push({ pod: name, reason });
      }
    }
    return lacking;
  }

  /** As the API server has them at this moment: there may be thousands, of which little is kept. */
  async #concerned(
    namespace: string,
    proved: ReadonlySet<string>,
    signal: AbortSignal,
  ): Promise<readonly AskedPod[]> {
    const found: AskedPod[] = [];
    const add = (pods: readonly Pod[]) => {
      for (const pod of pods.filter(isConcerned)) {
        const { name, uid = '' } = pod.metadata;
        if (!proved.has(uid)) found.push({ name, uid, ip: pod.status?.podIP ?? '' });
      }
    };
    const selection = { namespace, labelSelector: CONCERNED };
    await this.#options.client.eachPage<Pod>(resources.pods, selection, add, signal);
    return found;
  }

  #provedFor(namespace: string, bundle: string): Set<string> {
    const known = this.#proved.get(namespace);
    if (known?.bundle === bundle) return known.uids;
    const uids = new Set<string>();
    this.#proved.set(namespace, { bundle, uids });
    return uids;
  }

  /** What the pod lacks. */
  async #ask(ip: string, wanted: Wanted, signal: AbortSignal): Promise<string | undefined> {
    if (ip === '') return 'does not run yet';
    const answer = await this.#ports.get(ip, '/certificates', signal);
    if (answer.kind === 'silent') {
      return answer.status === 404
        ? 'is of a version that does not say which certificates it has loaded'
        : `does not answer (${answer.reason})`;
    }
    const report = reportOf(answer.json);
    return report === undefined ? 'does not say what it has loaded' : lackOf(report, wanted);
  }

  /** Once for each change of whom it waits for. */
  #tell(namespace: string, lacking: readonly Lacking[]): void {
    const before = JSON.stringify(this.#waitedFor.get(namespace) ?? []);
    this.#waitedFor.set(namespace, lacking);
    if (lacking.length === 0 || JSON.stringify(lacking) === before) return;
    this.#options.log.info({ namespace, lacking }, 'a rotation of an authority waits for pods');
  }
}
