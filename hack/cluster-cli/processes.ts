import { execFileSync, spawn } from 'node:child_process';
import {
  closeSync,
  existsSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { ClusterFolder, Process } from './cluster-folder.ts';
import { Complaint } from './complaint.ts';

const MAIN = fileURLToPath(new URL('../../dataplane/main.ts', import.meta.url));
/** As in images: read by Node itself, `main.ts` needs no TypeScript parser, which keeps 15 MB. */
const COMPILE_CACHE = fileURLToPath(new URL('../../node_modules/.cache/trestle', import.meta.url));
/**
 * V8 lets young objects of a node grow to 64 MB under load, and gives that back minutes later if at
 * all; with half of it writes are no slower.
 */
const NODE_FLAGS: Readonly<Record<Process['role'], readonly string[]>> = {
  node: ['--max-semi-space-size=16'],
  router: [],
};
const POLL_MS = 50;
/** A node has 9 s to hand its leaderships over. */
const STOP_MS_MAX = 15_000;
const KILL_MS_MAX = 10_000;

export type State = 'running' | 'paused' | 'stopped';

/** The processes of a cluster, found by their pid files. */
export class Processes {
  readonly #folder: ClusterFolder;

  constructor(folder: ClusterFolder) {
    this.#folder = folder;
  }

  /** Undefined when it does not run. */
  pid(id: string): number | undefined {
    const path = this.#folder.pidFile(id);
    if (!existsSync(path)) return undefined;
    const pid = Number(readFileSync(path, 'utf8').trim());
    return Number.isSafeInteger(pid) && pid > 1 && this.#isOurs(pid, id) ? pid : undefined;
  }

  state(id: string): State {
    const pid = this.pid(id);
    if (pid === undefined) return 'stopped';
    return stateLetter(pid) === 'T' ? 'paused' : 'running';
  }

  /** Starts it in the background, where it outlives us. Does nothing when it runs. */
  start(process: Process): void {
    const { id, role } = process;
    if (this.pid(id) !== undefined) return;
    const args = [...NODE_FLAGS[role], MAIN, role, '--topology', this.#folder.topologyFile];
    args.push('--id', id);
    if (role === 'node') args.push('--data', this.#folder.dataFolder(id), '--fault-injection');
    const log = openSync(this.#folder.logFile(id), 'a');
    try {
      const child = spawn(globalThis.process.execPath, args, {
        detached: true,
        stdio: ['ignore', log, log],
        env: { NODE_COMPILE_CACHE: COMPILE_CACHE, ...globalThis.process.env },
      });
      if (child.pid === undefined) throw new Complaint(`cannot start ${id}`);
      child.unref();
      writeFileSync(this.#folder.pidFile(id), `${child.pid}\n`);
    } finally {
      closeSync(log);
    }
  }

  /** @throws Complaint when it does not run */
  signal(id: string, signal: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT'): void {
    const pid = this.pid(id);
    if (pid === undefined) throw new Complaint(`${id} does not run`);
    process.kill(pid, signal);
  }

  /** Ends it at once, and waits until it is gone. Does nothing when it does not run. */
  async kill(id: string): Promise<void> {
    const pid = this.pid(id);
    if (pid !== undefined) {
      process.kill(pid, 'SIGKILL');
      if (!(await this.#isGone(id, pid, KILL_MS_MAX))) {
        throw new Complaint(`${id} (process ${pid}) does not end`);
      }
    }
    rmSync(this.#folder.pidFile(id), { force: true });
  }

  /** Ends it in order, and at once when that takes too long. */
  async stop(id: string): Promise<void> {
    const pid = this.pid(id);
    if (pid !== undefined) {
      process.kill(pid, 'SIGTERM');
      // A process that is paused gets the other signal only now.
      process.kill(pid, 'SIGCONT');
      await this.#isGone(id, pid, STOP_MS_MAX);
    }
    await this.kill(id);
  }

  /** Why it does not run, in one line, as far as its log tells; undefined while it runs. */
  epitaph(id: string): string | undefined {
    if (this.pid(id) !== undefined) return undefined;
    return `${id} has ended: ${this.#lastWords(id)} (log: ${this.#folder.logFile(id)})`;
  }

  #lastWords(id: string): string {
    const path = this.#folder.logFile(id);
    const lines = existsSync(path) ? readFileSync(path, 'utf8').trimEnd().split('\n') : [];
    return wordsOf(lines.at(-1) ?? '');
  }

  async #isGone(id: string, pid: number, msMax: number): Promise<boolean> {
    const endMs = performance.now() + msMax;
    while (isAlive(pid) && !this.#isAnother(pid, id)) {
      if (performance.now() > endMs) return false;
      await delay(POLL_MS);
    }
    return true;
  }

  /** The number was given to another process since. One that is ending shows no command line. */
  #isAnother(pid: number, id: string): boolean {
    return commandLine(pid).length > 0 && !this.#isOurs(pid, id);
  }

  /** Whether the process of that number is the one that we started, and not a later one. */
  #isOurs(pid: number, id: string): boolean {
    const words = commandLine(pid);
    return words.includes(MAIN) && words.includes(this.#folder.topologyFile) && words.includes(id);
  }
}

/** What a line of the log tells: one of a failed start as it is, of a JSON line event and error. */
function wordsOf(line: string): string {
  if (!line.startsWith('{')) return line.replace(/^trestle: /, '');
  try {
    const { msg = '', err } = JSON.parse(line) as {
      readonly msg?: string;
      readonly err?: { readonly message?: string };
    };
    return err?.message === undefined ? msg : `${msg}: ${err.message}`;
  } catch (error) {
    if (error instanceof SyntaxError) return line;
    throw error;
  }
}

/**
 * Whether a process still holds files and ports. One that has ended and that nobody has collected
 * yet holds nothing; but its first thread may have ended while another one still waits for the disk.
 */
export function isAlive(pid: number): boolean {
  return threadsOf(pid).some((thread) => !['', 'Z', 'X'].includes(stateLetter(pid, thread)));
}

/** Numbers of its threads; where the system does not tell, the process stands for all. */
function threadsOf(pid: number): readonly string[] {
  if (!existsSync('/proc/self/task')) return [''];
  try {
    return readdirSync(`/proc/${pid}/task`);
  } catch {
    return [];
  }
}

/** Words of a process's command line; empty when it is gone, or ending. */
function commandLine(pid: number): CommandLine {
  try {
    if (existsSync('/proc/self/cmdline')) {
      const text = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
      return text === '' ? [] : text.split('\0');
    }
    // The system's ps joins the words, so that blanks in paths cannot be told from those between words.
    return execFileSync('ps', ['-ww', '-o', 'args=', '-p', String(pid)], { encoding: 'utf8' });
  } catch {
    return '';
  }
}

type CommandLine = { readonly length: number; includes(word: string): boolean };

/** As `ps` has it: T is stopped by a signal. Empty when it cannot be found out. */
function stateLetter(pid: number, thread = ''): string {
  try {
    if (existsSync('/proc/self/stat')) {
      const folder = thread === '' ? `/proc/${pid}` : `/proc/${pid}/task/${thread}`;
      // The name in brackets may hold anything; the letter follows the last one.
      const text = readFileSync(`${folder}/stat`, 'utf8');
      return text.slice(text.lastIndexOf(')') + 2).charAt(0);
    }
    return execFileSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' }).charAt(0);
  } catch {
    return '';
  }
}
