import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Endpoint, EndpointName } from './endpoint.ts';
import type { AccessKey } from './signature.ts';

const root = join(import.meta.dirname, '../..');
const cache = join(root, '.cache/peers');

const DYNALITE_VERSION = '4.0.0';
const DYNOXIDE_VERSION = '3.2.0';

const accessKey: AccessKey = {
  accessKeyId: 'AKIABENCHMARKACCESS1',
  secretAccessKey: 'benchmark/secret/of/no/worth/to/anybody0',
};

type Command = Endpoint['command'];

/** What it takes to have an endpoint: its command, or why it cannot be had here. */
type Found = { readonly command: Command } | { readonly missing: string };

export interface PeerOptions {
  /** A dynoxide binary. */
  readonly dynoxide: string | undefined;
  /** Another clone of this repository, installed. */
  readonly before: string | undefined;
}

/** Endpoints by name; peers are installed into .cache on first use. `missing` says why one is left out. */
export function findEndpoint(
  name: EndpointName,
  options: PeerOptions,
): { readonly endpoint: Endpoint } | { readonly missing: string } {
  const { mode, isPeer, note } = facts[name];
  const found = finders[name](options);
  if ('missing' in found) return found;
  const key = name === 'trestle-signed' ? accessKey : undefined;
  return { endpoint: { name, mode, isPeer, note, accessKey: key, command: found.command } };
}

const facts: Readonly<Record<EndpointName, Pick<Endpoint, 'mode' | 'isPeer' | 'note'>>> = {
  bare: {
    mode: 'ceiling',
    isPeer: false,
    note: 'node:http, reads the body, fixed answer of the same size',
  },
  trestle: {
    mode: 'disk',
    isPeer: false,
    note: 'this server: on disk, fsync before each answer to a write',
  },
  'trestle-memory': { mode: 'memory', isPeer: false, note: 'this server: --in-memory' },
  'trestle-signed': {
    mode: 'disk',
    isPeer: false,
    note: 'this server: on disk, signatures verified',
  },
  'trestle-before': { mode: 'disk', isPeer: false, note: 'the clone that --before names: on disk' },
  dynalite: { mode: 'memory', isPeer: true, note: `npm dynalite ${DYNALITE_VERSION}, in memory` },
  'dynamodb-local': { mode: 'memory', isPeer: true, note: 'DynamoDB Local, -inMemory' },
  'dynamodb-local-disk': { mode: 'disk', isPeer: true, note: 'DynamoDB Local, -dbPath' },
  dynoxide: { mode: 'memory', isPeer: true, note: 'dynoxide, in memory' },
  'dynoxide-disk': { mode: 'disk', isPeer: true, note: 'dynoxide, --db-path' },
};

const finders: Readonly<Record<EndpointName, (options: PeerOptions) => Found>> = {
  bare: () => ({ command: (port) => node('hack/benchmark/bare-server.ts', String(port)) }),
  trestle: () => ({ command: (port, folder) => trestle(port, '--data', join(folder, 'data')) }),
  'trestle-memory': () => ({ command: (port) => trestle(port, '--in-memory') }),
  'trestle-signed': () => ({
    command: (port, folder) =>
      trestle(port, '--data', join(folder, 'data'), '--credentials', credentialsFile(folder)),
  }),
  'trestle-before': ({ before }) =>
    before === undefined
      ? { missing: 'no --before DIR' }
      : {
          command: (port, folder) =>
            trestle(port, '--data', join(folder, 'data')).with(
              1,
              resolve(before, 'dataplane/main.ts'),
            ),
        },
  dynalite: findDynalite,
  'dynamodb-local': () => findDynamoDbLocal(() => ['-inMemory']),
  'dynamodb-local-disk': () => findDynamoDbLocal((folder) => ['-dbPath', folder]),
  dynoxide: ({ dynoxide }) => findDynoxide(dynoxide, () => []),
  'dynoxide-disk': ({ dynoxide }) =>
    findDynoxide(dynoxide, (folder) => ['--db-path', join(folder, 'dynoxide.sqlite')]),
};

function node(script: string, ...args: string[]): string[] {
  return [process.execPath, join(root, script), ...args];
}

function trestle(port: number, ...args: string[]): string[] {
  return node('dataplane/main.ts', '--port', String(port), '--log-level', 'warn', ...args);
}

function credentialsFile(folder: string): string {
  const file = join(folder, 'credentials.json');
  writeFileSync(file, JSON.stringify([accessKey]));
  return file;
}

function findDynalite(): Found {
  const folder = join(cache, 'dynalite');
  const script = join(folder, 'node_modules/dynalite/cli.js');
  if (!existsSync(script)) {
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'package.json'), '{"private": true}\n');
    const reason = tryCommand('npm', [
      ...['install', '--prefix', folder, '--ignore-scripts', '--no-audit', '--no-fund'],
      ...['--save-exact', `dynalite@${DYNALITE_VERSION}`],
    ]);
    if (reason !== undefined) return { missing: reason };
  }
  return {
    command: (port) => [
      ...[process.execPath, script, '--port', String(port), '--host', '127.0.0.1'],
      ...['--createTableMs', '0'],
    ],
  };
}

function findDynamoDbLocal(data: (folder: string) => string[]): Found {
  const jars = join(cache, 'dynamodb-local/lib');
  if (!existsSync(jars) || !readdirSync(jars).some((file) => /^DynamoDBLocal-.*jar$/.test(file))) {
    const reason = tryCommand('mvn', [
      ...['-B', '-q', '-f', join(root, 'hack/benchmark/dynamodb-local.xml')],
      'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies',
      ...[`-DoutputDirectory=${jars}`, '-DincludeScope=runtime'],
    ]);
    if (reason !== undefined) return { missing: reason };
  }
  const reason = tryCommand('java', ['-version']);
  if (reason !== undefined) return { missing: reason };
  const main = 'com.amazonaws.services.dynamodbv2.local.main.ServerRunner';
  return {
    command: (port, folder) => [
      ...['java', `-Djava.library.path=${jars}`, '-cp', `${jars}/*`, main, '-disableTelemetry'],
      ...['-port', String(port), ...data(folder)],
    ],
  };
}

function findDynoxide(given: string | undefined, data: (folder: string) => string[]): Found {
  const built = join(cache, 'dynoxide/bin/dynoxide');
  const known = given ?? process.env.DYNOXIDE ?? (existsSync(built) ? built : 'dynoxide');
  let reason = tryCommand(known, ['--version']);
  let binary = known;
  if (reason !== undefined && known === 'dynoxide') {
    console.log('building dynoxide: some minutes, once');
    reason = tryCommand('cargo', [
      ...['install', '--quiet', '--root', join(cache, 'dynoxide')],
      ...['dynoxide-rs', '--version', DYNOXIDE_VERSION],
    ]);
    binary = built;
  }
  if (reason !== undefined) return { missing: reason };
  return {
    command: (port, folder) => [
      ...[binary, '--port', String(port), '--log', 'quiet'],
      ...data(folder),
    ],
  };
}

/** Runs a command to its end; undefined when it succeeded, else one line that says why not. */
function tryCommand(command: string, args: readonly string[]): string | undefined {
  try {
    execFileSync(command, args, { stdio: ['ignore', 'ignore', 'pipe'], timeout: 20 * 60_000 });
    return undefined;
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const lines = error.message.split('\n').filter((line) => line.trim() !== '');
    return `${command}: ${lines.at(1) ?? lines.at(0) ?? 'failed'}`;
  }
}
