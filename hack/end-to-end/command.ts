import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);
const OUTPUT_BYTES_MAX = 64 * 1024 * 1024;
/** Above what any command is told to wait for itself, so that its own words are what is read. */
const COMMAND_MS_MAX = 10 * 60_000;

export interface CommandOptions {
  readonly input?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly timeoutMs?: number;
}

/** A command that failed; the message holds what it said. */
export class CommandError extends Error {
  constructor(program: string, args: readonly string[], error: unknown) {
    const stderr = typeof error === 'object' && error !== null && 'stderr' in error;
    const said = stderr ? String(error.stderr).trim() : String(error);
    super(`${program} ${args.join(' ')}: ${said}`, { cause: error });
    this.name = 'CommandError';
  }
}

/** Runs a program to its end. @returns its standard output @throws CommandError */
export async function command(
  program: string,
  args: readonly string[],
  { input, env, cwd, timeoutMs = COMMAND_MS_MAX }: CommandOptions = {},
): Promise<string> {
  const running = run(program, [...args], {
    maxBuffer: OUTPUT_BYTES_MAX,
    timeout: timeoutMs,
    env: { ...process.env, ...env },
    ...(cwd !== undefined && { cwd }),
  });
  // One that has ended without reading its input says by its status whether that was right.
  running.child.stdin?.on('error', () => undefined).end(input ?? '');
  try {
    const { stdout } = await running;
    return stdout;
  } catch (error) {
    throw new CommandError(program, args, error);
  }
}
