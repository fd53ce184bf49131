import { mkdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { type CommandOptions, command } from './command.ts';

const CONFIG = fileURLToPath(new URL('kind.yaml', import.meta.url));
export const CACHE = fileURLToPath(new URL('../../.cache/e2e', import.meta.url));
const READY_SECONDS_MAX = 240;
/** Its own limit of 2 s for each call passes when a machine stands still. */
const CRICTL = ['crictl', '--timeout=60s'] as const;

/** A worker, which is a zone of its own. */
export interface Worker {
  /** Of the node, and of its container. */
  readonly name: string;
  readonly zone: string;
}

/** A kind cluster, its nodes being containers of this machine. */
export class KindCluster {
  readonly name: string;
  readonly #kubeconfig: string;
  readonly #routes: string[] = [];

  private constructor(name: string) {
    this.name = name;
    this.#kubeconfig = `${CACHE}/kubeconfig-${name}`;
  }

  /** One that somebody else makes, or that is to go: nothing is done yet. */
  static async named(name: string): Promise<KindCluster> {
    await mkdir(CACHE, { recursive: true });
    return new KindCluster(name);
  }

  get kubeconfig(): string {
    return this.#kubeconfig;
  }

  /** Takes the cluster of this name if it is there, else makes it. */
  static async open(name: string): Promise<KindCluster> {
    const cluster = await KindCluster.named(name);
    const known = (await command('kind', ['get', 'clusters'])).split('\n');
    if (known.includes(name)) await cluster.#wake();
    else await cluster.#create();
    await cluster.nodesReady();
    return cluster;
  }

  async nodesReady(): Promise<void> {
    const ready = ['wait', 'node', '--all', '--for=condition=Ready'];
    await this.kubectl(...ready, `--timeout=${READY_SECONDS_MAX}s`);
  }

  async #create(): Promise<void> {
    await allowManyNodes();
    const image = process.env.KIND_NODE_IMAGE;
    const args = ['create', 'cluster', '--name', this.name, '--config', CONFIG];
    args.push('--kubeconfig', this.#kubeconfig);
    if (image !== undefined && image !== '') args.push('--image', image);
    await command('kind', args).catch(async () => {
      // On a busy machine, kind's own limits may pass.
      await this.delete();
      await command('kind', args);
    });
  }

  /** Starts nodes that an earlier run may have left stopped. */
  async #wake(): Promise<void> {
    const nodes = await command('kind', ['get', 'nodes', '--name', this.name]);
    for (const node of nodes.split('\n').filter((line) => line !== ''))
      await this.docker('start', node);
    await command('kind', [
      'export',
      'kubeconfig',
      '--name',
      this.name,
      '--kubeconfig',
      this.#kubeconfig,
    ]);
    await this.kubectl('uncordon', '-l', 'topology.kubernetes.io/zone');
  }

  async delete(): Promise<void> {
    await this.forgetRoutes();
    const args = ['delete', 'cluster', '--name', this.name, '--kubeconfig', this.#kubeconfig];
    await command('kind', args);
  }

  /** All in one archive: what images share is brought once. */
  async loadImages(references: readonly string[]): Promise<void> {
    await command('kind', ['load', 'docker-image', ...references, '--name', this.name]);
  }

  kubectl(...args: readonly string[]): Promise<string> {
    return this.#run('kubectl', args);
  }

  /** Applies manifests of standard input. */
  apply(manifests: string, namespace: string): Promise<string> {
    return this.#run('kubectl', ['-n', namespace, 'apply', '--server-side', '-f', '-'], {
      input: manifests,
    });
  }

  helm(...args: readonly string[]): Promise<string> {
    return this.#run(process.env.HELM ?? 'helm', args, { timeoutMs: 10 * 60_000 });
  }

  #run(program: string, args: readonly string[], options: CommandOptions = {}): Promise<string> {
    return command(program, args, { ...options, env: { KUBECONFIG: this.#kubeconfig } });
  }

  docker(...args: readonly string[]): Promise<string> {
    return command('docker', args);
  }

  /** Runs a program in a node, as root. */
  inNode(node: string, ...args: readonly string[]): Promise<string> {
    return this.docker('exec', node, ...args);
  }

  get controlPlane(): string {
    return `${this.name}-control-plane`;
  }

  /** Where ports of the nodes are reached from here. */
  async controlPlaneAddress(): Promise<string> {
    const format = '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}';
    return (await this.docker('inspect', '--format', format, this.controlPlane)).trim();
  }

  /**
   * Lets this machine reach pods and Services by their own addresses, as programs within the cluster do. Needs root
   * and iproute2.
   */
  async routeToPods(): Promise<void> {
    const columns =
      'custom-columns=C:.spec.podCIDR,A:.status.addresses[?(@.type=="InternalIP")].address';
    const nodes = await this.kubectl('get', 'nodes', '--no-headers', '-o', columns);
    for (const line of nodes.trim().split('\n')) {
      const [podRange = '', address = ''] = line.trim().split(/\s+/);
      await command('ip', ['route', 'replace', podRange, 'via', address]);
      this.#routes.push(podRange);
    }
    const services = await this.#serviceRange();
    await command('ip', ['route', 'replace', services, 'via', await this.controlPlaneAddress()]);
    this.#routes.push(services);
  }

  async forgetRoutes(): Promise<void> {
    for (const range of this.#routes.splice(0)) {
      await command('ip', ['route', 'del', range]).catch(() => undefined);
    }
  }

  async #serviceRange(): Promise<string> {
    const pods = [
      '-n',
      'kube-system',
      'get',
      'pods',
      '-l',
      'component=kube-apiserver',
      '-o',
      'yaml',
    ];
    const text = await this.kubectl(...pods);
    const range = /--service-cluster-ip-range=([0-9./]+)/.exec(text)?.[1];
    if (range === undefined) throw new Error('the range of Services is not known');
    return range;
  }

  /** Of the cluster's DNS server. */
  dnsAddress(): Promise<string> {
    const service = ['-n', 'kube-system', 'get', 'service', 'kube-dns'];
    return this.kubectl(...service, '-o', 'jsonpath={.spec.clusterIP}');
  }

  async workers(): Promise<readonly Worker[]> {
    const columns =
      'custom-columns=N:.metadata.name,Z:.metadata.labels.topology\\.kubernetes\\.io/zone';
    const text = await this.kubectl('get', 'nodes', '--no-headers', '-o', columns);
    return text
      .trim()
      .split('\n')
      .map((line) => line.trim().split(/\s+/))
      .flatMap(([name = '', zone = '<none>']) => (zone === '<none>' ? [] : [{ name, zone }]));
  }

  /** SIGKILL of the first process of a pod's container, from outside: the kubelet starts it again. */
  async killProcess(node: string, pod: string, container: string): Promise<void> {
    const find = [
      ...CRICTL,
      'ps',
      '-q',
      '--name',
      container,
      '--label',
      `io.kubernetes.pod.name=${pod}`,
    ];
    const id = (await this.inNode(node, ...find)).trim().split('\n')[0] ?? '';
    const template = '{{.info.pid}}';
    const inspect = [...CRICTL, 'inspect', '--output', 'go-template', '--template', template, id];
    const pid = (await this.inNode(node, ...inspect)).trim();
    await this.inNode(node, 'kill', '-9', pid);
  }

  /** The API server goes away, and with it all control; nodes and pods go on. */
  async stopApiServer(): Promise<void> {
    await this.inNode(
      this.controlPlane,
      'mv',
      '/etc/kubernetes/manifests/kube-apiserver.yaml',
      '/root/',
    );
  }

  async startApiServer(): Promise<void> {
    await this.inNode(
      this.controlPlane,
      'mv',
      '/root/kube-apiserver.yaml',
      '/etc/kubernetes/manifests/',
    );
  }

  async isApiServerUp(): Promise<boolean> {
    try {
      await this.kubectl('get', '--raw', '/readyz', '--request-timeout=2s');
      return true;
    } catch {
      return false;
    }
  }
}

/** Four kubelets on one kernel need more than its usual 128 instances of inotify. */
export async function allowManyNodes(): Promise<void> {
  await command('sysctl', ['-qw', 'fs.inotify.max_user_instances=2048']).catch(() => undefined);
}
