import { readFile } from 'node:fs/promises';
import type { RequestOptions } from 'node:https';
import { isIPv6 } from 'node:net';
import { join } from 'node:path';
import { type Clock, systemClock } from './clock.ts';

const SERVICE_ACCOUNT_FOLDER = '/var/run/secrets/kubernetes.io/serviceaccount';
/** Tokens of service accounts are replaced in their file long before they expire. */
const TOKEN_READ_MS = 60_000;

type Bytes = string | Buffer;

export type ApiHeaders = Readonly<Record<string, string | readonly string[]>>;

/** What a connection to the API server needs. */
export interface ApiTls {
  readonly ca?: Bytes;
  readonly cert?: Bytes;
  readonly key?: Bytes;
  readonly servername?: string;
  readonly rejectUnauthorized?: boolean;
}

export interface ApiCredentials {
  /** The same object as before, unless it changed: connections are kept by it. */
  readonly tls: ApiTls;
  readonly headers: ApiHeaders;
  /** For a server behind a proxy. */
  readonly agent?: Exclude<RequestOptions['agent'], boolean | undefined>;
}

/** Where the API server is and how it knows us. */
export interface ApiAccess {
  readonly url: string;
  /** The namespace of this pod, or of the context of the configuration file. */
  readonly namespace: string | undefined;
  /** @param isRefused the last ones were answered with 401 */
  credentials(isRefused: boolean): Promise<ApiCredentials>;
}

/** For tests and other fixed credentials. */
export function fixedAccess(options: {
  readonly url: string;
  readonly tls?: ApiTls;
  readonly headers?: ApiHeaders;
  readonly namespace?: string;
}): ApiAccess {
  const credentials = { tls: options.tls ?? {}, headers: options.headers ?? {} };
  return {
    url: options.url,
    namespace: options.namespace,
    credentials: () => Promise.resolve(credentials),
  };
}

/**
 * How a pod reaches its API server: by the service account's files, which are read again as they are
 * replaced. Not by @kubernetes/client-node, whose import costs a process 80 MB of memory and 0.7 s,
 * which each router would pay.
 * @returns undefined outside a pod
 */
export async function inClusterAccess(
  environment: NodeJS.ProcessEnv,
  clock: Clock = systemClock,
  folder = SERVICE_ACCOUNT_FOLDER,
): Promise<ApiAccess | undefined> {
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = environment;
  if (!host || !port) return undefined;
  const files = new ServiceAccountFiles(folder, clock);
  if (!(await files.isThere())) return undefined;
  return {
    url: `https://${isIPv6(host) ? `[${host}]` : host}:${port}`,
    namespace: (await readFile(join(folder, 'namespace'), 'utf8')).trim(),
    credentials: (isRefused) => files.read(isRefused),
  };
}

class ServiceAccountFiles {
  readonly #folder: string;
  readonly #clock: Clock;
  #last: (ApiCredentials & { readonly readMs: number }) | undefined;

  constructor(folder: string, clock: Clock) {
    this.#folder = folder;
    this.#clock = clock;
  }

  async isThere(): Promise<boolean> {
    return this.read(false).then(
      () => true,
      (error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return false;
        throw error;
      },
    );
  }

  async read(isRefused: boolean): Promise<ApiCredentials> {
    const nowMs = this.#clock.monotonicMs();
    const last = this.#last;
    if (last !== undefined && !isRefused && nowMs - last.readMs < TOKEN_READ_MS) return last;
    const [token, ca] = await Promise.all([
      readFile(join(this.#folder, 'token'), 'utf8'),
      readFile(join(this.#folder, 'ca.crt'), 'utf8'),
    ]);
    const tls = last?.tls.ca === ca ? last.tls : { ca };
    this.#last = { tls, headers: { Authorization: `Bearer ${token.trim()}` }, readMs: nowMs };
    return this.#last;
  }
}

/**
 * By a configuration file as kubectl uses it, with all its ways to authenticate.
 * @param file else `$KUBECONFIG`, else `~/.kube/config`
 * @throws Error that names what is missing
 */
export async function kubeConfigAccess(file?: string): Promise<ApiAccess> {
  const { KubeConfig } = await import('@kubernetes/client-node');
  const config = new KubeConfig();
  if (file === undefined) config.loadFromDefault();
  else config.loadFromFile(file);
  const cluster = config.getCurrentCluster();
  if (cluster === null) throw new Error('the Kubernetes configuration names no current cluster');
  let last: ApiCredentials = { tls: {}, headers: {} };
  return {
    url: cluster.server.replace(/\/+$/, ''),
    namespace: config.getContextObject(config.getCurrentContext())?.namespace,
    async credentials() {
      const options: RequestOptions & { headers: Record<string, string> } = { headers: {} };
      await config.applyToHTTPSOptions(options);
      const { headers, auth, agent } = options;
      if (auth) headers.Authorization = `Basic ${Buffer.from(auth).toString('base64')}`;
      const isProxied = cluster.proxyUrl !== undefined && typeof agent === 'object';
      const tls = tlsOf(options);
      last = {
        tls: isSame(tls, last.tls) ? last.tls : tls,
        headers,
        ...(isProxied && { agent }),
      };
      return last;
    },
  };
}

function tlsOf(options: RequestOptions): ApiTls {
  const { ca, cert, key, servername, rejectUnauthorized } = options;
  return {
    ...(isBytes(ca) && { ca }),
    ...(isBytes(cert) && { cert }),
    ...(isBytes(key) && { key }),
    ...(servername !== undefined && { servername }),
    ...(rejectUnauthorized !== undefined && { rejectUnauthorized }),
  };
}

function isBytes(value: unknown): value is Bytes {
  return typeof value === 'string' || Buffer.isBuffer(value);
}

function isSame(one: ApiTls, other: ApiTls): boolean {
  const sameBytes = (a?: Bytes, b?: Bytes) => String(a) === String(b);
  return (
    sameBytes(one.ca, other.ca) &&
    sameBytes(one.cert, other.cert) &&
    sameBytes(one.key, other.key) &&
    one.servername === other.servername &&
    one.rejectUnauthorized === other.rejectUnauthorized
  );
}
