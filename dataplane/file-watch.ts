import { createHash } from 'node:crypto';
import { type FSWatcher, readFileSync, watch } from 'node:fs';
import { dirname } from 'node:path';

/** A file that is being written shows as several changes. */
const SETTLE_MS = 100;
/** Where the system tells of no changes: network file systems, a folder that was made anew. */
const POLL_MS = 30_000;

export interface FileWatchOptions {
  /** Absolute paths of now: what a changed file says may lead to others. */
  readonly paths: () => readonly string[];
  /**
   * To read them again: called when the contents are not what they were, and once more if what was
   * read has led to other paths.
   */
  readonly onChange: () => void;
  readonly pollMs?: number;
}

/**
 * Tells when files have changed.
 *
 * Their folders are watched rather than the files, since the volumes of ConfigMaps and Secrets change
 * by one link (`..data`) that is swapped for another; and every 30 s the files are looked at anyway.
 * Contents count, not dates. A watch keeps no process from ending.
 */
export class FileWatch {
  readonly #options: FileWatchOptions;
  readonly #folders = new Map<string, FSWatcher>();
  readonly #poll: NodeJS.Timeout;
  #settling: NodeJS.Timeout | undefined;
  #contents: string;

  /** What the files hold from this moment on is told; what came before, the caller reads by itself. */
  static start(options: FileWatchOptions): FileWatch {
    return new FileWatch(options);
  }

  private constructor(options: FileWatchOptions) {
    this.#options = options;
    this.#contents = contentsOf(options.paths());
    this.#watchFolders();
    this.#poll = setInterval(() => this.#look(), options.pollMs ?? POLL_MS).unref();
  }

  close(): void {
    clearInterval(this.#poll);
    clearTimeout(this.#settling);
    for (const watcher of this.#folders.values()) watcher.close();
    this.#folders.clear();
  }

  #look(): void {
    this.#settling = undefined;
    // Taken before they are read: a change during the reading shows at the next look.
    const contents = contentsOf(this.#options.paths());
    if (contents !== this.#contents) {
      this.#contents = contents;
      this.#options.onChange();
    }
    this.#watchFolders();
  }

  /** Those that are not there, or cannot be watched, are tried again at the next look. */
  #watchFolders(): void {
    const wanted = new Set(this.#options.paths().map((path) => dirname(path)));
    for (const [folder, watcher] of [...this.#folders]) {
      if (wanted.has(folder)) continue;
      watcher.close();
      this.#folders.delete(folder);
    }
    for (const folder of wanted) {
      if (!this.#folders.has(folder)) this.#watch(folder);
    }
  }

  #watch(folder: string): void {
    try {
      const watcher = watch(folder, { persistent: false }, () => this.#soon());
      watcher.on('error', () => this.#forget(folder, watcher));
      watcher.on('close', () => this.#forget(folder, watcher));
      this.#folders.set(folder, watcher);
    } catch (error) {
      // Whatever the system has against it, the files are looked at all the same.
      if (!(error instanceof Error && 'code' in error)) throw error;
    }
  }

  #forget(folder: string, watcher: FSWatcher): void {
    if (this.#folders.get(folder) === watcher) this.#folders.delete(folder);
  }

  #soon(): void {
    this.#settling ??= setTimeout(() => this.#look(), SETTLE_MS).unref();
  }
}

/** Paths, and behind them a digest of what is in them, so that no key lies about in memory. */
function contentsOf(paths: readonly string[]): string {
  const digests = paths.map(digestOf);
  return `${paths.join()}\n${digests.join()}`;
}

function digestOf(path: string): string {
  try {
    return createHash('sha256').update(readFileSync(path)).digest('base64');
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : String(error);
  }
}
