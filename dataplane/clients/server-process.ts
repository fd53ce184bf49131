import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';

const main = join(import.meta.dirname, '../main.ts');
const START_MS_MAX = 60_000;
const OUTPUT_CHARS_MAX = 20_000;

/** The real server as a process of its own, as a user starts it. */
export interface ServerProcess {
  readonly endpoint: string;
  /** SIGTERM and the end of the process. @returns its exit code */
  stop(): Promise<number | null>;
  /** SIGKILL: no code of the server runs any more. Resolves when the process is gone. */
  kill(): Promise<void>;
}

/** A server on its way up, which can be killed before it serves. */
export interface StartingServer {
  readonly started: Promise<ServerProcess>;
  kill(): Promise<void>;
}

/**
 * Starts the server on a free port and waits for the endpoint it prints.
 * @param args options of `dataplane/main.ts`, `--port` aside
 * @param wrapper a command that runs the rest of its arguments (`unshare ...`)
 */
export function startServer(
  args: readonly string[],
  wrapper: readonly string[] = [],
): Promise<ServerProcess> {
  return beginServer(args, wrapper).started;
}

/** As `startServer`, but does not wait. `started` rejects when the process ends first. */
export function beginServer(
  args: readonly string[],
  wrapper: readonly string[] = [],
): StartingServer {
  const command = [...wrapper, process.execPath, main, '--port', '0', ...args];
  const [program = '', ...rest] = command;
  const child = spawn(program, rest, { stdio: ['ignore', 'pipe', 'pipe'] });
  const kill = (): Promise<void> => end(child, 'SIGKILL').then(() => undefined);
  const started = printedEndpoint(child).then((endpoint) => ({
    endpoint,
    kill,
    stop: () => end(child, 'SIGTERM'),
  }));
  return { started, kill };
}

function printedEndpoint(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let output = '';
    const fail = (reason: string): void => reject(new Error(`The server ${reason}:\n${output}`));
    const timer = setTimeout(() => {
      fail('prints no endpoint');
      // Nobody gets hold of it any more.
      child.kill('SIGKILL');
    }, START_MS_MAX);
    const read = (chunk: Buffer): void => {
      output = (output + chunk.toString()).slice(-OUTPUT_CHARS_MAX);
    };
    child.stderr?.on('data', read);
    child.stdout?.on('data', (chunk: Buffer) => {
      read(chunk);
      const match = /https?:\/\/[^\s"']+:[0-9]+/.exec(output);
      if (match === null) return;
      clearTimeout(timer);
      resolve(match[0]);
    });
    child.once('exit', (code, signal) => {
      clearTimeout(timer);
      fail(`ended at start (${code ?? signal})`);
    });
  });
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
  if (child.exitCode === null && child.signalCode === null) {
    const exited = once(child, 'exit');
    child.kill(signal);
    await exited;
  }
  return child.exitCode;
}

export interface SdkCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

const ANY_CREDENTIALS: SdkCredentials = { accessKeyId: 'local', secretAccessKey: 'local' };

/** A client of the AWS SDK for JavaScript as applications make it, without retries that hide faults. */
export function sdkClient(endpoint: string, credentials = ANY_CREDENTIALS): DynamoDBClient {
  return new DynamoDBClient({ endpoint, region: 'us-east-1', credentials, maxAttempts: 1 });
}
