import { hostname } from 'node:os';
import type { Logger } from 'pino';
import { AdminServer } from '../dataplane/admin/admin-server.ts';
import { addHealthRoutes } from '../dataplane/admin/health-routes.ts';
import { KubeClient } from '../dataplane/kubernetes/api-client.ts';
import type { Rate } from '../dataplane/kubernetes/token-bucket.ts';
import { UsageError } from '../dataplane/option-values.ts';
import { processLog } from '../dataplane/process-log.ts';
import { Undo } from '../dataplane/undo.ts';
import { LeaderElection } from './leader-election.ts';
import { operatorMetrics } from './metrics.ts';
import { Operator } from './operator.ts';
import { help, type OperatorCommand, type OperatorOptions, parseOperator } from './options.ts';

/**
 * The operator's process: reads the command line, follows the API server, and acts while it holds the
 * Lease. One that loses the Lease ends, so that nothing of a former leader is still under way.
 */

/** There is one that acts, for thousands of objects; the API server's own fairness protects it beyond that. */
const RATE: Rate = { perSecond: 100, burst: 200 };

/** Asks a reader to give the reason in one line. */
function fail(message: string, status: 1 | 2): never {
  const [line] = message.split('\n');
  process.stderr.write(`trestle-operator: ${line}${status === 2 ? ' (see --help)' : ''}\n`);
  process.exit(status);
}

function readCommand(): OperatorCommand {
  try {
    return parseOperator(process.argv.slice(2));
  } catch (error) {
    if (error instanceof UsageError) fail(error.message, 2);
    throw error;
  }
}

async function loadClient({ kubeconfig }: OperatorOptions): Promise<KubeClient> {
  try {
    return await KubeClient.load({ userAgent: 'trestle-operator', kubeconfig, rate: RATE });
  } catch (error) {
    return fail(error instanceof Error ? error.message : String(error), 1);
  }
}

async function run(options: OperatorOptions): Promise<void> {
  const log = processLog(options.logLevel);
  const undo = new Undo();
  const client = await loadClient(options);
  undo.push(() => client.close());
  const election = LeaderElection.start({
    // Renewals do not wait behind the writes of many tables.
    client: client.with({}),
    namespace: options.install.releaseNamespace,
    name: options.leaseName,
    host: hostname(),
    onLost: () => process.exit(1),
    log,
  });
  undo.push(() => election.close());
  const operator = Operator.start({
    client: client.with({ mayWrite: () => election.isLeader }),
    namespaces: options.namespaces,
    install: options.install,
    instance: hostname(),
    mayAct: () => election.isLeader,
    log,
  });
  undo.push(() => operator.close());
  const stopping = obeySignals(undo, log);
  await serve(options, { client, operator, election, undo, log });
  log.info({ namespaces: options.namespaces, dataImage: options.install.dataImage }, 'started');
  const isElected = await election.elected.then(
    () => true,
    () => false,
  );
  if (!isElected) return;
  await operator.act().catch((error: unknown) => {
    // Its caches are closed before they were whole.
    if (!stopping.aborted) throw error;
  });
}

interface Served {
  readonly client: KubeClient;
  readonly operator: Operator;
  readonly election: LeaderElection;
  readonly undo: Undo;
  readonly log: Logger;
}

async function serve(
  { healthPort: port }: OperatorOptions,
  { client, operator, election, undo, log }: Served,
): Promise<void> {
  const metrics = operatorMetrics({ client, operator, election });
  const health = {
    unreadyReasons: () => operator.unreadyReasons(),
    metrics: () => metrics.text(),
  };
  try {
    const server = await AdminServer.listen({
      ...{ host: '0.0.0.0', port, log, tls: undefined, takesChanges: false },
      routes: (app) => addHealthRoutes(app, health),
    });
    undo.push(() => server.close());
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    fail(`cannot listen on port ${port}: ${code}; give another --health-port`, 1);
  }
}

/** Ends in order on the first signal and at once on the second; a defect ends the process too. */
function obeySignals(undo: Undo, log: Logger): AbortSignal {
  const stopping = new AbortController();
  const stop = (signal: NodeJS.Signals) => {
    if (stopping.signal.aborted) process.exit(1);
    stopping.abort();
    log.info({ signal }, 'stopping');
    undo.run().then(
      () => process.exit(0),
      (error: unknown) => {
        log.fatal({ err: error }, 'could not stop in order');
        process.exit(1);
      },
    );
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  process.on('uncaughtException', (error) => {
    log.fatal({ err: error }, 'defect');
    process.exit(1);
  });
  return stopping.signal;
}

const command = readCommand();
if (command.kind === 'help') process.stdout.write(help);
else await run(command.options);
