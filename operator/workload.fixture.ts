import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { dirname, join } from 'node:path';
import type { KubeClient } from '../dataplane/kubernetes/api-client.ts';
import { resources } from '../dataplane/kubernetes/resources.ts';
import { type SecretObject, secretText } from './certificates/secret-data.ts';
import type { ConfigMap, Pod } from './table/objects.ts';

const root = join(import.meta.dirname, '..');
/** A kubelet looks every minute or two. */
const REFRESH_MS = 500;
const DRAIN_SECONDS = '1';

interface Item {
  readonly key: string;
  readonly path: string;
}

interface Volume {
  readonly name: string;
  readonly secret?: { readonly secretName: string; readonly items: readonly Item[] };
  readonly configMap?: { readonly name: string };
}

interface Workload {
  readonly containers: readonly {
    readonly command?: readonly string[];
    readonly args: readonly string[];
    readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string }[];
  }[];
  readonly volumes: readonly Volume[];
}

/** The files of a pod, below a folder in place of the root of its container. */
export class PodVolumes {
  readonly folder: string;
  readonly #client: KubeClient;
  readonly #namespace: string;
  readonly #workload: Workload;
  #refreshedMs = Number.NEGATIVE_INFINITY;

  constructor(pod: Pod, options: { readonly client: KubeClient; readonly folder: string }) {
    this.folder = options.folder;
    this.#client = options.client;
    this.#namespace = pod.metadata.namespace ?? '';
    // As the operator has made it.
    this.#workload = pod.spec as unknown as Workload;
  }

  /** Writes what has changed. @returns whether all that the pod needs is there */
  async refresh(): Promise<boolean> {
    if (performance.now() - this.#refreshedMs < REFRESH_MS) return true;
    const files = new Map<string, string>();
    for (const volume of this.#workload.volumes) {
      const texts = await this.#textsOf(volume);
      if (texts === undefined) return false;
      const mounts = this.#workload.containers[0]?.volumeMounts ?? [];
      const { mountPath = '/nowhere' } = mounts.find(({ name }) => name === volume.name) ?? {};
      for (const [path, text] of texts) files.set(join(this.folder, mountPath, path), text);
      mkdirSync(join(this.folder, mountPath), { recursive: true });
    }
    for (const [path, text] of files) {
      mkdirSync(dirname(path), { recursive: true });
      writeWhole(path, text);
    }
    this.#refreshedMs = performance.now();
    return true;
  }

  async #textsOf({ secret, configMap }: Volume): Promise<ReadonlyMap<string, string> | undefined> {
    const namespace = this.#namespace;
    if (secret !== undefined) {
      const name = { namespace, name: secret.secretName };
      const found = await this.#client.get<SecretObject>(resources.secrets, name);
      const texts = secret.items.map(({ key, path }) => [path, secretText(found, key)] as const);
      const there = texts.flatMap(([path, text]) =>
        text === undefined ? [] : [[path, text] as const],
      );
      return there.length === texts.length ? new Map(there) : undefined;
    }
    if (configMap === undefined) return new Map();
    const name = { namespace, name: configMap.name };
    const found = await this.#client.get<ConfigMap>(resources.configMaps, name);
    return found && new Map(Object.entries(found.data ?? {}));
  }
}

/** The certificates of a storage node, whose topology names loopback addresses. */
export class StorageTls {
  readonly #pod: Pod;
  readonly #options: StorageTlsOptions;
  #refreshedMs = performance.now();

  constructor(pod: Pod, options: StorageTlsOptions) {
    this.#pod = pod;
    this.#options = options;
  }

  /** Writes what has changed. @returns whether the Secret is there */
  async refresh(): Promise<boolean> {
    if (performance.now() - this.#refreshedMs < REFRESH_MS) return true;
    this.#refreshedMs = performance.now();
    const { namespace = '', name } = this.#pod.metadata;
    const { client, folder, secretName } = this.#options;
    const object = { namespace, name: secretName };
    const secret = await client.get<SecretObject>(resources.secrets, object);
    if (secret !== undefined) writeTls(folder, name, secret);
    return secret !== undefined;
  }
}

interface StorageTlsOptions {
  readonly client: KubeClient;
  readonly folder: string;
  readonly secretName: string;
}

/** `ca.crt` and what is made out to `name`, as far as they have changed; each file at once. */
export function writeTls(folder: string, name: string, secret: SecretObject): void {
  mkdirSync(folder, { recursive: true });
  for (const file of ['ca.crt', `${name}.crt`, `${name}.key`]) {
    const text = secretText(secret, file) ?? '';
    writeWhole(join(folder, file), text);
  }
}

/** Unless it is so already: whoever reads the file meanwhile has the former text or this one. */
function writeWhole(path: string, text: string): void {
  if (textIn(path) === text) return;
  writeFileSync(`${path}.new`, text);
  renameSync(`${path}.new`, path);
}

function textIn(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

/**
 * The command line of a pod with its files below a folder, loopback addresses in place of names of Services,
 * and the plain port of routers, since no certificate names an address.
 */
export function commandOf(
  pod: Pod,
  { folder, addressOf }: { readonly folder: string; readonly addressOf: (name: string) => string },
): readonly string[] {
  const { containers } = pod.spec as unknown as Workload;
  const { command = [], args = [] } = containers[0] ?? {};
  const { name, namespace, labels } = pod.metadata;
  const own = addressOf(name);
  const variables: Readonly<Record<string, string>> = {
    NODE_ID: labels?.['apps.kubernetes.io/pod-index'] ?? '',
    POD_IP: own,
    ZONE: labels?.['topology.kubernetes.io/zone'] ?? '',
  };
  const words = [...(command.length === 0 ? [redisServer()] : command), ...args].map((word) =>
    word
      .replaceAll(/\$\((\w+)\)/g, (_, variable: string) => variables[variable] ?? '')
      .replaceAll(/\/(etc\/trestle|data)(?=\/|$)/g, (path) => join(folder, path))
      .replace(/^0\.0\.0\.0$/, own)
      .replace(`https://trestle.${namespace}.svc:8443`, `http://${addressOf('router')}:8000`)
      .replace(
        /^redis:\/\/([\w-]+)\.[\w-]+\.svc:/,
        (_, set: string) => `redis://${addressOf(`${set}-0`)}:`,
      ),
  );
  if (command.length === 0) return [...words, '--bind', own];
  const node = words[0] === 'node' ? [process.execPath, ...words.slice(1)] : words;
  return withOption(withoutOption(node, '--tables-ca'), '--drain-seconds', DRAIN_SECONDS);
}

function withoutOption(words: readonly string[], option: string): readonly string[] {
  const at = words.indexOf(option);
  return at < 0 ? words : words.toSpliced(at, 2);
}

function withOption(words: readonly string[], option: string, value: string): readonly string[] {
  return [...withoutOption(words, option), option, value];
}

function redisServer(): string {
  return execFileSync(join(root, 'hack/redis'), { encoding: 'utf8' }).trim();
}

/** Whether something takes connections there. */
export function isListening(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: 1000 });
    const end = (isThere: boolean) => {
      socket.destroy();
      resolve(isThere);
    };
    socket.once('connect', () => end(true));
    socket.once('error', () => end(false));
    socket.once('timeout', () => end(false));
  });
}
