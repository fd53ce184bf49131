import { lookup as systemLookup } from 'node:dns/promises';
import { request } from 'node:http';
import { pause, type Scheduler } from '../replication/scheduler.ts';
import { IdentityFault, type StorageIdentity, storageIdentity } from './storage-identity.ts';

const LOOKUP_TIMEOUT_MS = 5_000;
const ASK_TIMEOUT_MS = 2_000;
const PASS_TIMEOUT_MS = 30_000;
const INTERVAL_MS = 3_000;
const ASKING_COUNT_MAX = 32;
const ANSWER_BYTES_MAX = 256 * 1024;

/** All addresses behind a name. Rejects as `node:dns` does. */
export type Lookup = (host: string) => Promise<readonly string[]>;

export interface StorageDiscoveryOptions {
  /** Behind it are all storage nodes of the namespace. */
  readonly host: string;
  /** Of `GET /identity`. */
  readonly port: number;
  readonly lookup?: Lookup | undefined;
  readonly scheduler: Scheduler;
  readonly log: (event: string, fields: Readonly<Record<string, unknown>>) => void;
  /** Whether storage nodes are to be looked for: asked before each pass. */
  readonly isNeeded: () => boolean;
  readonly onFound: (identities: readonly StorageIdentity[]) => void;
}

/**
 * Finds the tables of a namespace without the Kubernetes API: asks every storage node behind one DNS
 * name who it is, and again every few seconds for as long as that is needed.
 */
export class StorageDiscovery {
  readonly #options: StorageDiscoveryOptions;
  readonly #lookup: Lookup;
  readonly #closed = new AbortController();
  /** The latest complaint: it is logged when it changes. */
  #failure = '';
  #hasFinished = false;

  static start(options: StorageDiscoveryOptions): StorageDiscovery {
    const discovery = new StorageDiscovery(options);
    void discovery.#run();
    return discovery;
  }

  private constructor(options: StorageDiscoveryOptions) {
    this.#options = options;
    this.#lookup = options.lookup ?? lookupAll;
  }

  /** Whether the name was resolved, and all behind it asked, at least once. */
  get hasFinished(): boolean {
    return this.#hasFinished;
  }

  close(): void {
    this.#closed.abort();
  }

  async #run(): Promise<void> {
    const { scheduler, isNeeded } = this.#options;
    const { signal } = this.#closed;
    while (!signal.aborted) {
      if (isNeeded()) await this.#pass();
      await pause(scheduler, INTERVAL_MS, signal);
    }
  }

  async #pass(): Promise<void> {
    const { host, onFound } = this.#options;
    let addresses: readonly string[];
    try {
      addresses = await this.#addresses();
    } catch (error) {
      this.#complain({ host, error: textOf(error) });
      return;
    }
    const identities = await this.#askAll(addresses);
    if (this.#closed.signal.aborted) return;
    const isSilent = addresses.length > 0 && identities.length === 0;
    this.#complain(isSilent ? { host, error: 'no storage node has said who it is' } : undefined);
    this.#hasFinished = true;
    onFound(identities);
  }

  /** A name without addresses is a namespace without tables; a resolver that fails is none. */
  async #addresses(): Promise<readonly string[]> {
    const { host, scheduler } = this.#options;
    const answered = new AbortController();
    const late = pause(scheduler, LOOKUP_TIMEOUT_MS, answered.signal).then(() => undefined);
    try {
      const addresses = await Promise.race([this.#lookup(host), late]);
      if (addresses === undefined) throw new Error(`nothing within ${LOOKUP_TIMEOUT_MS} ms`);
      return [...new Set(addresses)];
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : undefined;
      if (code === 'ENOTFOUND' || code === 'ENODATA') return [];
      throw error;
    } finally {
      answered.abort();
    }
  }

  async #askAll(addresses: readonly string[]): Promise<readonly StorageIdentity[]> {
    const left = [...addresses];
    const found: StorageIdentity[] = [];
    const signal = AbortSignal.any([this.#closed.signal, AbortSignal.timeout(PASS_TIMEOUT_MS)]);
    const worker = async () => {
      for (let address = left.pop(); address !== undefined; address = left.pop()) {
        if (signal.aborted) return;
        const identity = await this.#ask(address, signal);
        if (identity !== undefined) found.push(identity);
      }
    };
    await Promise.all(Array.from({ length: ASKING_COUNT_MAX }, worker));
    return found;
  }

  /** Undefined for who does not answer, or is no storage node of a table. */
  async #ask(address: string, signal: AbortSignal): Promise<StorageIdentity | undefined> {
    const { port, log } = this.#options;
    const either = AbortSignal.any([signal, AbortSignal.timeout(ASK_TIMEOUT_MS)]);
    let text: string;
    try {
      text = await getText({ host: address, port, path: '/identity', signal: either });
    } catch {
      // A pod that starts or ends; if it is all of them, the pass says so.
      return undefined;
    }
    try {
      return storageIdentity(text);
    } catch (error) {
      if (!(error instanceof IdentityFault)) throw error;
      log('identityRefused', { address, error: error.message });
      return undefined;
    }
  }

  #complain(failure: { readonly host: string; readonly error: string } | undefined): void {
    const { error = '' } = failure ?? {};
    if (error !== '' && error !== this.#failure) {
      this.#options.log('storageNotDiscovered', { ...failure });
    }
    this.#failure = error;
  }
}

/** As programs of the system resolve names: with its search domains and its files. */
async function lookupAll(host: string): Promise<readonly string[]> {
  const found = await systemLookup(host, { all: true });
  return found.map(({ address }) => address);
}

function getText(options: {
  readonly host: string;
  readonly port: number;
  readonly path: string;
  readonly signal: AbortSignal;
}): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const call = request({ ...options, agent: false }, (response) => {
    const chunks: Buffer[] = [];
    let bytesCount = 0;
    response.on('data', (chunk: Buffer) => {
      bytesCount += chunk.length;
      chunks.push(chunk);
      if (bytesCount > ANSWER_BYTES_MAX) call.destroy(new Error('too long an answer'));
    });
    response.on('error', reject);
    response.on('end', () => {
      if (response.statusCode === 200) resolve(Buffer.concat(chunks).toString('utf8'));
      else reject(new Error(`status ${response.statusCode}`));
    });
  });
  call.on('error', reject);
  call.end();
  return promise;
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
