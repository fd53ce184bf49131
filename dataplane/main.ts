import { enableCompileCache, flushCompileCache } from 'node:module';
import { fileURLToPath } from 'node:url';
import type { NodeOptions, RouterOptions } from './cluster-options.ts';
import type { EmbeddedServer } from './embedded.ts';
import type { EmbeddedOptions } from './embedded-options.ts';
import type { KubernetesRouterOptions } from './kubernetes-router-options.ts';
import { UsageError } from './option-values.ts';
import { type Command, parseCommand } from './options.ts';
import { fail, obeySignals, type Running } from './process-life.ts';
import type { PortAdvice } from './start-failure.ts';

/**
 * The data plane's process. Reads the command line and starts the role that it names: embedded
 * server, storage node or router. Roles are loaded when asked for, after the compile cache is on: it
 * keeps stripped and compiled sources and halves the time to start.
 */

const ROOT = fileURLToPath(new URL('..', import.meta.url));

const TOPOLOGY_ADVICE: PortAdvice = {
  host: 'the address in the topology',
  port: 0,
  inUse: 'is this process running already? If not, give it another port in the topology',
  notAllowed: 'give it a port above 1023 in the topology',
};

function readCommand(): Command {
  try {
    return parseCommand(process.argv.slice(2), `${ROOT}data`);
  } catch (error) {
    if (error instanceof UsageError) fail(error, 2);
    throw error;
  }
}

async function run(starting: Promise<Running>, advice: PortAdvice): Promise<void> {
  const { startFailure } = await import('./start-failure.ts');
  const running = await starting.catch((error: unknown) => {
    const expected = startFailure(error, advice);
    if (expected === undefined) throw error;
    return fail(expected, 1);
  });
  obeySignals(running);
  // Whoever reads our output may have gone away; serving goes on.
  process.stdout.on('error', () => undefined);
  process.stdout.write(running.greeting);
  flushCompileCache();
}

async function startEmbeddedRole(options: EmbeddedOptions): Promise<Running> {
  const { startEmbedded } = await import('./embedded.ts');
  const server = await startEmbedded(options, (error) => fail(error, 1));
  return { ...server, greeting: greeting(server, options) };
}

async function startNodeRole(options: NodeOptions): Promise<Running> {
  const { startNode } = await import('./node-server.ts');
  return startNode(options, (error) => fail(error, 1));
}

async function startRouterRole(options: RouterOptions): Promise<Running> {
  const { startRouter } = await import('./router-server.ts');
  return startRouter(options);
}

async function startKubernetesRole(options: KubernetesRouterOptions): Promise<Running> {
  const { startKubernetesRouter } = await import('./kubernetes-router-server.ts');
  return startKubernetesRouter(options);
}

function kubernetesAdvice({ bind: host, port }: KubernetesRouterOptions): PortAdvice {
  return {
    host,
    port,
    inUse: 'give another one by --port, --tls-port or --health-port',
    notAllowed: 'give one above 1023 by --port, --tls-port or --health-port',
  };
}

function embeddedAdvice({ host, port }: EmbeddedOptions): PortAdvice {
  return {
    host,
    port,
    inUse: 'stop the other server, or give another port by --port, --tls-port or --health-port',
    notAllowed: 'give one above 1023 by --port, --tls-port or --health-port',
  };
}

function greeting(
  { url, urls, healthPort }: Pick<EmbeddedServer, 'url' | 'urls' | 'healthPort'>,
  options: EmbeddedOptions,
): string {
  const storage =
    options.folder === undefined
      ? 'in memory: all is gone when this process ends'
      : `in ${options.folder}${options.durability === 'relaxed' ? '; a crash of the machine may lose the last second of writes' : ''}`;
  const health = healthPort === undefined ? '' : `; health on port ${healthPort}`;
  const key =
    options.credentialsFile === undefined
      ? 'AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local '
      : `AWS_ACCESS_KEY_ID=... AWS_SECRET_ACCESS_KEY=... `;
  return (
    `Trestle serves the DynamoDB API on ${urls} (tables ${storage})${health}.\nTry:\n` +
    `  ${key}aws dynamodb list-tables --endpoint-url ${url} --region ${options.region}\n`
  );
}

enableCompileCache(`${ROOT}node_modules/.cache/trestle`);
const command = readCommand();
switch (command.kind) {
  case 'help':
    process.stdout.write(command.text);
    break;
  case 'embedded':
    await run(startEmbeddedRole(command.options), embeddedAdvice(command.options));
    break;
  case 'node':
    await run(startNodeRole(command.options), TOPOLOGY_ADVICE);
    break;
  case 'router':
    await run(startRouterRole(command.options), TOPOLOGY_ADVICE);
    break;
  case 'kubernetesRouter':
    await run(startKubernetesRole(command.options), kubernetesAdvice(command.options));
    break;
}
