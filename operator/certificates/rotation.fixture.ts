import { once } from 'node:events';
import { Agent, type AgentOptions } from 'node:https';
import type { Duplex } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { connect } from 'node:tls';
import type { CertificateReport } from '../../dataplane/admin/certificate-report.ts';
import { isKubeError } from '../../dataplane/kubernetes/kube-error.ts';
import { keyOf } from '../../dataplane/kubernetes/object.ts';
import { resources } from '../../dataplane/kubernetes/resources.ts';
import { certificatesOf } from '../../dataplane/pem-certificates.ts';
import type { TableTrial } from '../operator.fixture.ts';
import type { Operator } from '../operator.ts';
import { AUTHORITY_SECRET, NOT_BEFORE, ROTATE } from './authority-secret.ts';
import { ROUTER_SECRET } from './namespace-secrets.ts';
import { type SecretObject, secretText } from './secret-data.ts';

const HURRY_MS = 200;

export type Phase = 'rest' | 'trust' | 'reissue';

/** The authority of a trial's namespace, as people and clients see it. */
export class AuthorityHand {
  readonly #trial: TableTrial;
  #ca = '';
  #isClosed = false;
  #loop: Promise<void> = Promise.resolve();

  constructor(trial: TableTrial) {
    this.#trial = trial;
  }

  /** As a client has it that follows the Secret. */
  readonly ca = () => this.#ca;

  /** Has all passes come now and not in half a minute, until it is closed. */
  hurry(operatorOf: () => Operator | undefined): void {
    const run = async () => {
      while (!this.#isClosed) {
        const operator = operatorOf();
        const { namespace } = this.#trial;
        operator?.namespaces.add(namespace);
        for (const { metadata } of operator?.caches.allTables() ?? [])
          operator?.tables.add(keyOf(metadata));
        for (const { metadata } of operator?.dax.caches.allClusters() ?? [])
          operator?.dax.controller.add(keyOf(metadata));
        await delay(HURRY_MS);
      }
    };
    this.#loop = run();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#loop;
  }

  async secret(): Promise<SecretObject> {
    const name = { namespace: this.#trial.namespace, name: AUTHORITY_SECRET };
    const secret = await this.#client.get<SecretObject>(resources.secrets, name);
    if (secret === undefined) throw new Error('there is no authority');
    return secret;
  }

  /** Fingerprints of all that are trusted; the one that signs comes first. Clients follow. */
  async trusted(): Promise<readonly string[]> {
    this.#ca = secretText(await this.secret(), 'ca.crt') ?? '';
    return certificatesOf(this.#ca).map(({ fingerprint256 }) => fingerprint256);
  }

  async phase(): Promise<Phase> {
    return phaseOf(await this.secret());
  }

  /** `kubectl annotate --overwrite secret trestle-ca trestle.dev/rotate=...` */
  ask(value: string): Promise<unknown> {
    return this.#annotate({ [ROTATE]: value });
  }

  /** The phase may end as soon as its proof is there; clients know by then whom to trust. */
  async release(): Promise<void> {
    const { metadata } = await this.secret();
    await this.trusted();
    const notBefore = metadata.annotations?.[NOT_BEFORE];
    if (notBefore === undefined || Date.parse(notBefore) <= Date.now()) return;
    try {
      await this.#annotate({ [NOT_BEFORE]: new Date().toISOString() }, metadata.resourceVersion);
    } catch (error) {
      // The operator has gone on meanwhile.
      if (!isKubeError(error, 409)) throw error;
    }
  }

  /** Waits until the rotation is there. */
  becomes(phase: Phase): Promise<true> {
    return this.#trial.until(
      async () => ((await this.phase()) === phase ? true : undefined),
      async () => JSON.stringify((await this.secret()).metadata),
    );
  }

  /** What the process of a pod says that it has loaded. */
  async reportOf(pod: string): Promise<CertificateReport> {
    const host = this.#trial.cluster.addressOf(pod);
    const answer = await fetch(`http://${host}:8004/certificates`);
    return (await answer.json()) as CertificateReport;
  }

  /** Waits until all pods say so. */
  areSo(
    pods: readonly string[],
    isSo: (report: CertificateReport) => boolean,
  ): Promise<readonly CertificateReport[]> {
    const reports = () => Promise.all(pods.map((pod) => this.reportOf(pod)));
    return this.#trial.until(
      async () => {
        // A connection that was kept may just end: asked again.
        const all = await reports().catch(() => undefined);
        return all?.every(isSo) ? all : undefined;
      },
      async () => JSON.stringify(await reports(), undefined, 1),
    );
  }

  /** Whether all Secrets of certificates are of the authority as it is now. */
  async isEverywhere(secretNames: readonly string[]): Promise<boolean> {
    const bundle = secretText(await this.secret(), 'ca.crt');
    const names = [ROUTER_SECRET, ...secretNames];
    const bundles = await Promise.all(
      names.map(async (name) => {
        const object = { namespace: this.#trial.namespace, name };
        return secretText(
          await this.#client.get<SecretObject>(resources.secrets, object),
          'ca.crt',
        );
      }),
    );
    return bundles.every((each) => each === bundle);
  }

  get #client() {
    return this.#trial.api.client;
  }

  #annotate(annotations: object, resourceVersion?: string): Promise<unknown> {
    const name = { namespace: this.#trial.namespace, name: AUTHORITY_SECRET };
    const body = { metadata: { annotations, ...(resourceVersion && { resourceVersion }) } };
    const options = { contentType: 'merge', fieldManager: 'kubectl' } as const;
    return this.#client.patch(resources.secrets, name, body, options);
  }
}

export function phaseOf({ data = {} }: SecretObject): Phase {
  if (data['previous.crt'] !== undefined) return 'reissue';
  return data['next.key'] === undefined ? 'rest' : 'trust';
}

/** Connections that trust whoever is to be trusted at their time. */
export class FollowingAgent extends Agent {
  /** Made so far: one that was lost has a successor. */
  connectionsCount = 0;
  readonly #ca: () => string;
  readonly #servername: string;

  constructor(ca: () => string, servername: string, options: AgentOptions = {}) {
    // A session that goes on would not look at the certificate again.
    super({ maxCachedSessions: 0, ...options });
    this.#ca = ca;
    this.#servername = servername;
  }

  override createConnection(
    options: object,
    callback?: (error: Error | null, stream: Duplex) => void,
  ): Duplex | null | undefined {
    this.connectionsCount += 1;
    const tls = { ...options, ca: this.#ca(), servername: this.#servername };
    return super.createConnection(tls, callback);
  }
}

/** The certificate that a client sees who trusts these; what is wrong with it, if it refuses it. */
export async function seen(host: string, port: number, ca: string): Promise<string> {
  const socket = connect({ host, port, ca, servername: 'localhost' });
  try {
    await once(socket, 'secureConnect');
    return socket.getPeerX509Certificate()?.fingerprint256 ?? 'none';
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : String(error);
  } finally {
    socket.destroy();
  }
}
