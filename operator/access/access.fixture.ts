import { expect } from 'vitest';
import { parseCredentials } from '../../dataplane/access/credentials.ts';
import { parsePolicies } from '../../dataplane/access/policies.ts';
import { accountIdOf } from '../../dataplane/kubernetes/account.ts';
import type { KubeApi } from '../../dataplane/kubernetes/kube-api.fixture.ts';
import type { KubeObject } from '../../dataplane/kubernetes/object.ts';
import { type ResourceType, resources } from '../../dataplane/kubernetes/resources.ts';
import { type SecretObject, secretText } from '../certificates/secret-data.ts';
import { type OperatorOptions, startOperator } from '../operator.fixture.ts';
import type { Operator } from '../operator.ts';
import type { CredentialEntry } from './credentials-list.ts';
import type { PolicyEntry } from './policies-list.ts';
import type { AccessKeyResource, AccessObject, AccessPolicyResource } from './resources.ts';

const WAIT = { timeout: 50_000, interval: 50 };

export const ann = { subject: { kind: 'User', name: 'ann' } } as const;

/** Everything may be done with the table Music, by user ann. */
export const musicForAnn = {
  statements: [{ effect: 'Allow', actions: ['dynamodb:*'], resources: ['table/Music'] }],
  subjects: [{ kind: 'User', name: 'ann' }],
} as const;

/** AccessKeys and AccessPolicies of one namespace, an operator whose clock is moved by hand, and a look at what it does. */
export class AccessTrial {
  readonly api: KubeApi;
  readonly namespace: string;
  #aheadMs = 0;
  #operator: Operator | undefined;

  static async start(api: KubeApi): Promise<AccessTrial> {
    return new AccessTrial(api, await api.newNamespace('access'));
  }

  private constructor(api: KubeApi, namespace: string) {
    this.api = api;
    this.namespace = namespace;
  }

  readonly nowMs = (): number => Date.now() + this.#aheadMs;

  async startOperator(options: OperatorOptions = {}): Promise<Operator> {
    const started = await startOperator(this.api, this.namespace, {
      ...options,
      nowMs: this.nowMs,
    });
    this.#operator = started;
    return started;
  }

  async stopOperator(): Promise<void> {
    await this.#operator?.close();
    this.#operator = undefined;
  }

  /** The operator sees at once that it is later. */
  pass(ms: number): void {
    this.#aheadMs += ms;
    this.look();
  }

  look(): void {
    this.#operator?.access.controller.add(this.namespace);
  }

  async createKey(name: string, spec: object): Promise<AccessKeyResource> {
    return this.create(resources.accessKeys, name, spec);
  }

  async createPolicy(name: string, spec: object): Promise<AccessPolicyResource> {
    return this.create(resources.accessPolicies, name, spec);
  }

  async change(type: ResourceType, name: string, body: object): Promise<void> {
    const options = { contentType: 'merge', fieldManager: 'kubectl' } as const;
    await this.api.client.patch(type, { namespace: this.namespace, name }, body, options);
  }

  /** With this new value. */
  async askForRotation(name: string, value: string): Promise<void> {
    const metadata = { annotations: { 'trestle.dev/rotate': value } };
    await this.change(resources.accessKeys, name, { metadata });
  }

  async delete(type: ResourceType, name: string): Promise<void> {
    await this.api.client.delete(type, { namespace: this.namespace, name });
  }

  get<T extends KubeObject>(type: ResourceType, name: string): Promise<T | undefined> {
    return this.api.client.get<T>(type, { namespace: this.namespace, name });
  }

  secret(name: string): Promise<SecretObject | undefined> {
    return this.get(resources.secrets, name);
  }

  /** What the Secret of an AccessKey shows to programs. */
  async keyIn(name: string): Promise<string | undefined> {
    return secretText(await this.secret(name), 'accessKeyId');
  }

  /** What routers read; with every look it is checked that they can, and that the root key is in it. */
  async credentials(): Promise<readonly CredentialEntry[]> {
    const secret = await this.secret('trestle-credentials');
    const text = secretText(secret, 'credentials') ?? '';
    parseCredentials(text, 'the Secret', accountIdOf(this.namespace));
    const entries: readonly CredentialEntry[] = JSON.parse(text);
    const accessKeyId = secretText(secret, 'accessKeyId');
    const secretAccessKey = secretText(secret, 'secretAccessKey');
    expect(entries[0]).toEqual({ accessKeyId, secretAccessKey });
    return entries;
  }

  /** Ids of the keys of this principal that routers know. */
  async idsOf(principal: string): Promise<readonly string[]> {
    const entries = await this.credentials();
    return entries.filter((each) => each.principal === principal).map((each) => each.accessKeyId);
  }

  async policies(): Promise<readonly PolicyEntry[]> {
    const text = secretText(await this.secret('trestle-credentials'), 'policies') ?? '';
    parsePolicies(text, 'the Secret');
    return JSON.parse(text).policies;
  }

  /** Waits until the condition has this reason. */
  async condition(object: AccessObject, type: string, reason: string): Promise<void> {
    const resource = object.kind === 'AccessKey' ? resources.accessKeys : resources.accessPolicies;
    await expect
      .poll(async () => {
        const { status, metadata } =
          (await this.get<AccessObject>(resource, object.metadata.name)) ?? object;
        const isOld = status?.observedGeneration !== metadata.generation;
        return isOld
          ? 'not observed'
          : status?.conditions?.find((each) => each.type === type)?.reason;
      }, WAIT)
      .toBe(reason);
  }

  /** Waits until it is so. */
  async becomes<T>(look: () => Promise<T>, wished: T): Promise<void> {
    await expect.poll(look, WAIT).toEqual(wished);
  }

  create<T extends KubeObject>(type: ResourceType, name: string, spec: object): Promise<T> {
    const object = { metadata: { namespace: this.namespace, name }, spec };
    return this.api.client.create<T>(type, object, { fieldManager: 'kubectl' });
  }
}
