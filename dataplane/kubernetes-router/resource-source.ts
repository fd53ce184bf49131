import type { Logger } from 'pino';
import { ClientFault } from '../errors/client-fault.ts';
import type { KubeClient } from '../kubernetes/api-client.ts';
import { ListWatch } from '../kubernetes/list-watch.ts';
import { resources } from '../kubernetes/resources.ts';
import type { TableResource } from '../kubernetes/table-resource.ts';
import type { Scheduler, Timer } from '../replication/scheduler.ts';
import type { ResourceWriter } from './resource-writer.ts';
import type { TableDirectory } from './table-directory.ts';

/** A name is not looked for again for so long: a client that asks in a loop would have us do so, too. */
const LOOK_INTERVAL_MS = 1_000;
const LOOKS_COUNT_MAX = 10_000;
const SWEEP_INTERVAL_MS = 10_000;
/** The watch brings what was written well before this. */
const NOTED_MS = 60_000;

export interface ResourceSourceOptions {
  readonly client: KubeClient;
  readonly namespace: string;
  /** With a rate of its own: what clients ask for in vain must not keep changes of tables waiting. */
  readonly reader: Pick<ResourceWriter, 'find' | 'read'>;
  readonly directory: TableDirectory;
  readonly scheduler: Scheduler;
  readonly log: Logger;
}

interface Noted {
  readonly resource: TableResource;
  readonly atMs: number;
}

/** Brings the Table resources of the namespace into the directory, and keeps them up to date. */
export class ResourceSource {
  readonly #options: ResourceSourceOptions;
  readonly #watch: ListWatch<TableResource>;
  /** By uid: known from an answer of the API server, and not from the watch yet. */
  readonly #noted = new Map<string, Noted>();
  /** By table name: being looked for, shared by all who ask. */
  readonly #looking = new Map<string, Promise<void>>();
  /** By table name: when the API server has last been asked. */
  readonly #lookedMs = new Map<string, number>();
  #sweep: Timer;

  static start(options: ResourceSourceOptions): ResourceSource {
    return new ResourceSource(options);
  }

  private constructor(options: ResourceSourceOptions) {
    const { client, namespace, directory, log } = options;
    this.#options = options;
    this.#watch = ListWatch.start<TableResource>({
      client,
      type: resources.tables,
      namespace,
      log,
      onChange: ({ kind, object }) => {
        this.#noted.delete(object.metadata.uid ?? '');
        if (kind === 'set') directory.setResource(object);
        else directory.removeResource(object);
      },
    });
    this.#watch.synced.then(
      () => directory.complete(),
      () => undefined, // It was closed before.
    );
    this.#sweep = this.#sweepLater();
  }

  /** Since the API server was last heard of. */
  get ageMs(): number {
    return this.#watch.ageMs;
  }

  /** Takes in what the API server has answered, ahead of the watch. */
  note(resource: TableResource): void {
    const { uid } = resource.metadata;
    if (uid === undefined) return;
    if (this.#watched(resource) === undefined) {
      this.#noted.set(uid, { resource, atMs: this.#options.scheduler.monotonicMs() });
    }
    this.#options.directory.setResource(resource);
  }

  /**
   * Asks the API server for a table that the directory does not know, or not as it should be: the watch
   * may be behind what another router has just done. What there is is in the directory afterwards.
   * @throws ClientFault InternalServerError while the API server does not answer
   */
  look(tableName: string): Promise<void> {
    const lookedMs = this.#lookedMs.get(tableName) ?? Number.NEGATIVE_INFINITY;
    const nowMs = this.#options.scheduler.monotonicMs();
    if (nowMs - lookedMs < LOOK_INTERVAL_MS) return Promise.resolve();
    const running = this.#looking.get(tableName);
    if (running !== undefined) return running;
    const looking = this.#look(tableName).finally(() => this.#looking.delete(tableName));
    this.#looking.set(tableName, looking);
    return looking;
  }

  /** As `look`; what cannot be found out stays as it is. */
  async tryLook(tableName: string): Promise<void> {
    try {
      await this.look(tableName);
    } catch (error) {
      if (!(error instanceof ClientFault)) throw error;
    }
  }

  /** Takes in how a resource is now, that was just written or is gone. */
  async reread(resource: TableResource): Promise<void> {
    const { reader, directory } = this.#options;
    try {
      const found = await reader.read(resource);
      if (found === undefined) directory.removeResource(resource);
      else this.note(found);
    } catch (error) {
      // The watch will tell.
      if (!(error instanceof ClientFault)) throw error;
    }
  }

  close(): void {
    this.#sweep.cancel();
    this.#watch.close();
  }

  async #look(tableName: string): Promise<void> {
    const { reader, scheduler } = this.#options;
    for (const resource of await reader.find(tableName)) this.note(resource);
    if (this.#lookedMs.size >= LOOKS_COUNT_MAX) this.#lookedMs.clear();
    this.#lookedMs.set(tableName, scheduler.monotonicMs());
  }

  #watched({ metadata }: TableResource): TableResource | undefined {
    const { namespace } = this.#options;
    const watched = this.#watch.get({ namespace, name: metadata.name });
    return watched?.metadata.uid === metadata.uid ? watched : undefined;
  }

  /** Whoever was deleted before the watch showed it for the first time is not shown as gone. */
  #sweepLater(): Timer {
    const { scheduler, directory } = this.#options;
    return scheduler.after(SWEEP_INTERVAL_MS, () => {
      const nowMs = scheduler.monotonicMs();
      for (const [uid, { resource, atMs }] of [...this.#noted]) {
        if (nowMs - atMs < NOTED_MS || this.ageMs > NOTED_MS) continue;
        this.#noted.delete(uid);
        if (this.#watched(resource) === undefined) directory.removeResource(resource);
      }
      this.#sweep = this.#sweepLater();
    });
  }
}
