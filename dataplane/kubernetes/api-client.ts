import type { ApiAccess } from './api-access.ts';
import { inClusterAccess, kubeConfigAccess } from './api-access.ts';
import { type ApiRequest, ApiTransport, nameOf, readAnswer } from './api-transport.ts';
import { type Clock, systemClock } from './clock.ts';
import { Deadline } from './deadline.ts';
import { isKubeError, KubeError } from './kube-error.ts';
import type { KubeObject, ObjectMeta, ObjectName } from './object.ts';
import { RequestCounts } from './request-counts.ts';
import { pathOf, type ResourceType } from './resources.ts';
import { type Rate, TokenBucket } from './token-bucket.ts';
import { type WatchEvent, watchEvents } from './watch-stream.ts';

const DEADLINE_MS = 30_000;
const RATE: Rate = { perSecond: 20, burst: 40 };
const PAGE_OBJECTS = 500;
const PAGES_MAX = 10_000;
/** A quiet watch brings a bookmark about once a minute. */
const WATCH_INACTIVITY_MS = 90_000;

const APPLY = 'application/apply-patch+yaml';
const CONTENT_TYPES = {
  merge: 'application/merge-patch+json',
  json: 'application/json-patch+json',
} as const;

export interface KubeClientOptions {
  /** `trestle-operator/0.1.0`. */
  readonly userAgent?: string;
  /** Of calls; watches are not counted. */
  readonly rate?: Rate;
  /** Of a call, its turn at the token bucket not counted. */
  readonly deadlineMs?: number;
  /** Asked before each write is sent: a process that leads no more must not write. */
  readonly mayWrite?: () => boolean;
  readonly clock?: Clock;
}

export interface ListOptions {
  readonly namespace?: string | undefined;
  readonly labelSelector?: string | undefined;
  readonly fieldSelector?: string | undefined;
  /** Objects in a page; without it all come at once. */
  readonly limit?: number;
  /** From the page before. */
  readonly continue?: string | undefined;
  /** `0` takes what the server has in its cache, however old. */
  readonly resourceVersion?: string;
}

export interface ObjectList<T> {
  readonly items: readonly T[];
  readonly resourceVersion: string;
  /** There are more. */
  readonly continue?: string;
}

export interface WriteOptions {
  readonly fieldManager: string;
  readonly subresource?: 'status' | 'scale';
  /** All checks, no change. */
  readonly dryRun?: boolean;
}

export interface ApplyOptions extends WriteOptions {
  /** Takes fields over from other managers. */
  readonly force: boolean;
}

export interface PatchOptions extends Partial<WriteOptions> {
  readonly contentType: keyof typeof CONTENT_TYPES;
}

export interface DeleteOptions {
  /** Only this very object, not one of the same name that came after. */
  readonly uid?: string | undefined;
  /** Only in this state. */
  readonly resourceVersion?: string | undefined;
  readonly propagationPolicy?: 'Background' | 'Foreground' | 'Orphan';
  readonly gracePeriodSeconds?: number;
  /** All checks, no change. */
  readonly dryRun?: boolean;
}

export interface WatchOptions {
  readonly namespace?: string | undefined;
  readonly labelSelector?: string | undefined;
  readonly fieldSelector?: string | undefined;
  /** Events after this state. */
  readonly resourceVersion: string;
  /** The server ends the watch then. */
  readonly timeoutSeconds: number;
  /** A connection that is silent for so long is taken for dead. */
  readonly inactivityMs?: number;
  /** The server has taken the watch: from now on it tells what happened after that state. */
  readonly onOpen?: () => void;
}

/** The fields that a manager wants to own, with the object's name. Objects of any kind fit. */
export type ApplyConfiguration = Named | (Named & Readonly<Record<string, unknown>>);

interface Named {
  readonly metadata: Partial<ObjectMeta> & { readonly name: string };
}

/**
 * The Kubernetes API as raw JSON: what is not known to any generated model passes through unchanged.
 *
 * Every call ends within its deadline. All methods throw KubeError when the server refuses or cannot be
 * reached, and the signal's reason when it fires. Nothing is tried again here: who calls knows whether
 * the call still makes sense.
 */
export class KubeClient {
  /** Calls and watches since the start, by verb, resource and status. */
  readonly requestsCount: RequestCounts;
  /** Of this pod, or of the configuration's context. */
  readonly namespace: string | undefined;
  readonly #access: ApiAccess;
  readonly #options: KubeClientOptions;
  readonly #transport: ApiTransport;
  readonly #bucket: TokenBucket;
  readonly #clock: Clock;
  readonly #deadlineMs: number;
  readonly #mayWrite: () => boolean;

  /**
   * From `$KUBECONFIG` where it is set, else as this pod's service account, else from `~/.kube/config`.
   * @throws Error in one line when there is none of them
   */
  static async load(
    options: KubeClientOptions & { readonly kubeconfig?: string | undefined } = {},
  ): Promise<KubeClient> {
    const { kubeconfig, ...rest } = options;
    if (kubeconfig !== undefined) return new KubeClient(await kubeConfigAccess(kubeconfig), rest);
    const inCluster = process.env.KUBECONFIG ? undefined : await inClusterAccess(process.env);
    return new KubeClient(inCluster ?? (await kubeConfigAccess()), rest);
  }

  /** @param shared of another client for the same server */
  constructor(
    access: ApiAccess,
    options: KubeClientOptions = {},
    shared?: { readonly transport: ApiTransport; readonly requestsCount: RequestCounts },
  ) {
    this.namespace = access.namespace;
    this.#access = access;
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#deadlineMs = options.deadlineMs ?? DEADLINE_MS;
    this.#mayWrite = options.mayWrite ?? (() => true);
    this.#bucket = new TokenBucket(this.#clock, options.rate ?? RATE);
    this.#transport =
      shared?.transport ??
      new ApiTransport(access, { 'User-Agent': options.userAgent ?? 'trestle' });
    this.requestsCount = shared?.requestsCount ?? new RequestCounts();
  }

  /**
   * A client of the same server with other rules and a token bucket of its own, over the same
   * connections, counted together: for calls that must not wait behind others, or not write always.
   */
  with(options: Omit<KubeClientOptions, 'userAgent'>): KubeClient {
    const shared = { transport: this.#transport, requestsCount: this.requestsCount };
    return new KubeClient(this.#access, { ...this.#options, ...options }, shared);
  }

  /** @returns undefined when there is no such object */
  async get<T extends KubeObject>(
    type: ResourceType,
    name: ObjectName,
    signal?: AbortSignal,
  ): Promise<T | undefined> {
    const path = pathOf(type, name.namespace, name.name);
    try {
      return await this.#call<T>({ verb: 'get', type, path, method: 'GET' }, signal);
    } catch (error) {
      if (isKubeError(error, 404)) return undefined;
      throw error;
    }
  }

  /** One page. @throws KubeError 410 when `continue` is too old */
  async list<T extends KubeObject>(
    type: ResourceType,
    options: ListOptions = {},
    signal?: AbortSignal,
  ): Promise<ObjectList<T>> {
    const { namespace, ...parameters } = options;
    const path = pathOf(type, namespace) + queryOf({ ...parameters });
    const answer = await this.#call<ListAnswer<T>>(
      { verb: 'list', type, path, method: 'GET' },
      signal,
    );
    const { items, metadata } = answer;
    if (!Array.isArray(items) || typeof metadata?.resourceVersion !== 'string') {
      throw KubeError.damaged(`GET ${path}`, 'the answer is not a list');
    }
    // Items of built-in kinds come without the two.
    const { apiVersion, kind } = type;
    return {
      items: items.map((item) => ({ ...item, apiVersion, kind })),
      resourceVersion: metadata.resourceVersion,
      ...(metadata.continue && { continue: metadata.continue }),
    };
  }

  /** All pages, of one moment. @throws KubeError 410 when that takes longer than the server keeps them */
  async listAll<T extends KubeObject>(
    type: ResourceType,
    options: Omit<ListOptions, 'continue'> = {},
    signal?: AbortSignal,
  ): Promise<ObjectList<T>> {
    const items: T[] = [];
    const add = (page: readonly T[]) => {
      items.push(...page);
    };
    return { resourceVersion: await this.eachPage<T>(type, options, add, signal), items };
  }

  /** As `listAll`, but only a page is held at a time. @returns the resourceVersion of all pages */
  async eachPage<T extends KubeObject>(
    type: ResourceType,
    options: Omit<ListOptions, 'continue'>,
    onPage: (items: readonly T[]) => void,
    signal?: AbortSignal,
  ): Promise<string> {
    let next: string | undefined;
    for (let pages = 0; pages < PAGES_MAX; pages++) {
      const parameters = { limit: PAGE_OBJECTS, ...options, continue: next };
      const page: ObjectList<T> = await this.list<T>(type, parameters, signal);
      onPage(page.items);
      next = page.continue;
      if (next === undefined) return page.resourceVersion;
    }
    throw KubeError.damaged(`list ${type.plural}`, `more than ${PAGES_MAX} pages`);
  }

  /** @throws KubeError 409 with reason AlreadyExists */
  create<T extends KubeObject>(
    type: ResourceType,
    object: ApplyConfiguration,
    options: Partial<WriteOptions> = {},
    signal?: AbortSignal,
  ): Promise<T> {
    const path = pathOf(type, object.metadata.namespace) + queryOf(writeParameters(options));
    const body = typed(type, object);
    const contentType = 'application/json';
    return this.#call({ verb: 'create', type, path, method: 'POST', body, contentType }, signal);
  }

  /**
   * Server-side apply: the manager's fields become these, and fields it owned before and does not name
   * any more go away. Makes the object where there is none.
   * @throws KubeError 409 with owners and fields in `causes` where others own them, unless forced
   */
  apply<T extends KubeObject>(
    type: ResourceType,
    object: ApplyConfiguration,
    options: ApplyOptions,
    signal?: AbortSignal,
  ): Promise<T> {
    const { namespace, name } = object.metadata;
    const path =
      pathOf(type, namespace, name, ...below(options)) +
      queryOf({ ...writeParameters(options), force: options.force });
    const body = typed(type, object);
    const call = { verb: 'apply', type, path, method: 'PATCH', body, contentType: APPLY } as const;
    return this.#call({ ...call, subresource: options.subresource }, signal);
  }

  patch<T extends KubeObject>(
    type: ResourceType,
    name: ObjectName,
    body: object,
    options: PatchOptions,
    signal?: AbortSignal,
  ): Promise<T> {
    const path =
      pathOf(type, name.namespace, name.name, ...below(options)) +
      queryOf(writeParameters(options));
    const contentType = CONTENT_TYPES[options.contentType];
    const call = { verb: 'patch', type, path, method: 'PATCH', body, contentType } as const;
    return this.#call({ ...call, subresource: options.subresource }, signal);
  }

  /**
   * Replaces the object as a whole; with a resourceVersion in it only in that state.
   * @throws KubeError 409 with reason Conflict when it has changed
   */
  replace<T extends KubeObject>(
    type: ResourceType,
    object: ApplyConfiguration,
    options: Partial<WriteOptions> = {},
    signal?: AbortSignal,
  ): Promise<T> {
    const { namespace, name } = object.metadata;
    const path =
      pathOf(type, namespace, name, ...below(options)) + queryOf(writeParameters(options));
    const body = typed(type, object);
    const contentType = 'application/json';
    const call = { verb: 'update', type, path, method: 'PUT', body, contentType } as const;
    return this.#call({ ...call, subresource: options.subresource }, signal);
  }

  /**
   * Succeeds also when there is no such object.
   * @throws KubeError 409 when there is another one than the preconditions say
   */
  async delete(
    type: ResourceType,
    name: ObjectName,
    options: DeleteOptions = {},
    signal?: AbortSignal,
  ): Promise<void> {
    const path = pathOf(type, name.namespace, name.name);
    const contentType = 'application/json';
    const call = { verb: 'delete', type, path, method: 'DELETE', contentType } as const;
    try {
      await this.#call({ ...call, body: deleteBody(options) }, signal);
    } catch (error) {
      if (!isKubeError(error, 404)) throw error;
    }
  }

  /**
   * Deletes a pod unless a PodDisruptionBudget forbids it. Succeeds also when there is no such pod.
   * @throws KubeError 429 when the budget does not allow it now
   */
  async evict(
    type: ResourceType,
    name: ObjectName,
    options: DeleteOptions = {},
    signal?: AbortSignal,
  ): Promise<void> {
    const path = pathOf(type, name.namespace, name.name, 'eviction');
    const body = {
      apiVersion: 'policy/v1',
      kind: 'Eviction',
      metadata: { name: name.name, namespace: name.namespace },
      deleteOptions: deleteBody(options),
    };
    const contentType = 'application/json';
    const call = { verb: 'create', type, path, method: 'POST', body, contentType } as const;
    try {
      await this.#call({ ...call, subresource: 'eviction' }, signal);
    } catch (error) {
      if (!isKubeError(error, 404)) throw error;
    }
  }

  /**
   * Events after a state, with bookmarks, until the server ends the watch.
   * @throws KubeError 410 when that state is too old, and when the connection breaks, stalls or brings damage
   */
  async *watch<T extends KubeObject>(
    type: ResourceType,
    options: WatchOptions,
    signal?: AbortSignal,
  ): AsyncGenerator<WatchEvent<T>> {
    const { namespace, inactivityMs = WATCH_INACTIVITY_MS, onOpen, ...parameters } = options;
    const query = queryOf({ ...parameters, watch: true, allowWatchBookmarks: true });
    const path = pathOf(type, namespace) + query;
    const request: ApiRequest = { method: 'GET', path, isIdempotent: true };
    const what = nameOf(request);
    const deadline = new Deadline(this.#clock, Math.min(this.#deadlineMs, inactivityMs), {
      parent: signal,
      reason: () => KubeError.timeout(what, inactivityMs),
    });
    try {
      const answer = await this.#transport.send(request, 'watch', deadline.signal);
      this.requestsCount.add('watch', type.plural, answer.status);
      if (answer.status !== 200) {
        const body = await readAnswer(request, answer);
        throw KubeError.answered(what, answer.status, body, answer.retryAfter);
      }
      const extend = () => deadline.extend(inactivityMs);
      extend();
      onOpen?.();
      yield* watchEvents<T>(answer.message, what, extend);
    } catch (error) {
      deadline.signal.throwIfAborted();
      throw error instanceof KubeError ? error : KubeError.unreachable(what, error);
    } finally {
      deadline.release();
    }
  }

  /** Ends idle connections; calls under way end with an error. */
  close(): void {
    this.#transport.close();
  }

  async #call<T>(call: Call, signal: AbortSignal | undefined): Promise<T> {
    await this.#bucket.take(signal);
    const { verb, type, subresource, ...rest } = call;
    const resource = subresource === undefined ? type.plural : `${type.plural}/${subresource}`;
    const request: ApiRequest = {
      ...rest,
      isIdempotent: verb === 'apply' || rest.method === 'GET',
    };
    const what = nameOf(request);
    if (rest.method !== 'GET' && !this.#mayWrite()) throw KubeError.notLeader(what);
    const deadline = new Deadline(this.#clock, this.#deadlineMs, {
      parent: signal,
      reason: () => KubeError.timeout(what, this.#deadlineMs),
    });
    let status = 0;
    try {
      const answer = await this.#transport.send(request, 'call', deadline.signal);
      const body = await readAnswer(request, answer);
      status = answer.status;
      if (status < 200 || status > 299) {
        throw KubeError.answered(what, status, body, answer.retryAfter);
      }
      if (typeof body !== 'object' || body === null) {
        throw KubeError.damaged(what, 'the answer is not JSON');
      }
      // The caller names the kind; the server keeps to the kind's schema.
      return body as T;
    } catch (error) {
      deadline.signal.throwIfAborted();
      throw error;
    } finally {
      deadline.release();
      this.requestsCount.add(verb, resource, status);
    }
  }
}

interface Call extends Omit<ApiRequest, 'isIdempotent'> {
  readonly verb: string;
  readonly type: ResourceType;
  readonly subresource?: string | undefined;
}

interface ListAnswer<T> {
  readonly items?: readonly T[];
  readonly metadata?: { readonly resourceVersion?: string; readonly continue?: string };
}

type Parameters = Readonly<Record<string, string | number | boolean | undefined>>;

function queryOf(parameters: Parameters): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== undefined) query.set(name, String(value));
  }
  return query.size === 0 ? '' : `?${query}`;
}

function writeParameters({ fieldManager, dryRun }: Partial<WriteOptions>): Parameters {
  // Fields that the kind does not know are refused: dropped without a word they would never be applied.
  return {
    fieldManager,
    fieldValidation: 'Strict',
    ...(dryRun === true && { dryRun: 'All' }),
  };
}

function below({ subresource }: Partial<WriteOptions>): readonly string[] {
  return subresource === undefined ? [] : [subresource];
}

function typed(type: ResourceType, object: ApplyConfiguration): object {
  return { ...object, apiVersion: type.apiVersion, kind: type.kind };
}

function deleteBody(options: DeleteOptions): object {
  const { uid, resourceVersion, dryRun, ...rest } = options;
  return {
    apiVersion: 'v1',
    kind: 'DeleteOptions',
    ...rest,
    ...(dryRun === true && { dryRun: ['All'] }),
    ...((uid ?? resourceVersion) !== undefined && {
      preconditions: { uid, resourceVersion },
    }),
  };
}
