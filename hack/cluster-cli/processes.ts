import { execFileSync, spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { ClusterFolder, Process } from './cluster-folder.ts';
import { Complaint } from './complaint.ts';

const MAIN = fileURLToPath(new URL('../../dataplane/main.ts', import.meta.url));
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
    const args = [MAIN, role, '--topology', this.#folder.topologyFile, '--id', id];
    if (role === 'node') args.push('--data', this.#folder.dataFolder(id), '--fault-injection');
    const log = openSync(this.#folder.logFile(id), 'a');
    try {
      const child = spawn(globalThis.process.execPath, args, {
        detached: true,
        stdio: ['ignore', log, log],
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

  /** The last line that a process wrote, for the reason of its end. */
  lastWords(id: string): string {
    const path = this.#folder.logFile(id);
    if (!existsSync(path)) return '';
    return readFileSync(path, 'utf8').trimEnd().split('\n').at(-1) ?? '';
  }

  async #isGone(id: string, pid: number, msMax: number): Promise<boolean> {
    const endMs = performance.now() + msMax;
    while (this.#isOurs(pid, id)) {
      if (performance.now() > endMs) return false;
      await delay(POLL_MS);
    }
    return true;
  }

  /** Whether the process of that number is the one that we started, and not a later one. */
  #isOurs(pid: number, id: string): boolean {
    const words = commandLine(pid);
    return words.includes(MAIN) && words.includes(this.#folder.topologyFile) && words.includes(id);
  }
}

/** Words of a process's command line; empty when it is gone, also when nobody has collected it yet. */
function commandLine(pid: number): CommandLine {
  try {
    if (existsSync('/proc/self/cmdline')) {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
    }
    // The system's ps joins the words, so that blanks in paths cannot be told from those between words.
    return execFileSync('ps', ['-ww', '-o', 'args=', '-p', String(pid)], { encoding: 'utf8' });
  } catch {
    return '';
  }
}

type CommandLine = { includes(word: string): boolean };

/** As `ps` has it: T is stopped by a signal. Empty when it cannot be found out. */
function stateLetter(pid: number): string {
  try {
    if (existsSync('/proc/self/stat')) {
      // The name in brackets may hold anything; the letter follows the last one.
      const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
      return text.slice(text.lastIndexOf(')') + 2).charAt(0);
    }
    return execFileSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' }).charAt(0);
  } catch {
    return '';
  }
}
