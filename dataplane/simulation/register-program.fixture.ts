import { RequestFailed } from '../replication/transport/transport.ts';
import { StoreError } from '../storage/store.ts';
import type { History, Operation, Outcome, RecordedOperation } from './history.ts';
import type { SimEnvironment, SimProgram } from './sim-machine.ts';

/** What is wrong with the register service on purpose. */
export type RegisterBug = 'none' | 'acknowledgesUnsynced' | 'readsAtAnyNode';

interface Request {
  readonly key: string;
  readonly operation: Operation;
}

/** Registers that one node keeps; others hold copies that are sent to them without waiting. */
export function registerNode(bug: RegisterBug, copies: readonly string[]): SimProgram<undefined> {
  return {
    boot: ({ store, transport }) => {
      transport.onMessage('copy', (_from, body) => {
        const { key, value } = body as { readonly key: string; readonly value: string };
        store.commit([{ key: Buffer.from(key), value: Buffer.from(value) }]).catch(() => {});
      });
      transport.onRequest('register', async (body): Promise<Outcome> => {
        const { key, operation } = body as Request;
        const name = Buffer.from(key);
        if (operation.kind !== 'put') {
          return { kind: 'ok', value: store.get(name)?.toString() };
        }
        const value = String(operation.value);
        const options = { sync: bug !== 'acknowledgesUnsynced' };
        await store.commit([{ key: name, value: Buffer.from(value) }], options);
        for (const copy of copies) {
          transport.send(copy, 'copy', { key, value });
        }
        return { kind: 'ok' };
      });
      return undefined;
    },
    shutdown: async () => {},
  };
}

/** Clients that put and get, one operation after the other, for as long as they live. */
export function registerClients(
  history: History,
  { bug, nodes }: { readonly bug: RegisterBug; readonly nodes: readonly string[] },
): SimProgram<undefined> {
  return {
    boot: (environment) => {
      for (let index = 0; index < clientsCount; index += 1) {
        const client = `${environment.id}/${index}`;
        // One whose connection is lost has its answer: `runClient` does not fail.
        void runClient({ ...environment, client, history, bug, nodes });
      }
      return undefined;
    },
    shutdown: async () => {},
  };
}

interface Client extends SimEnvironment {
  readonly client: string;
  readonly history: History;
  readonly bug: RegisterBug;
  readonly nodes: readonly string[];
}

async function runClient(client: Client): Promise<void> {
  const { random, scheduler, history, nodes } = client;
  for (;;) {
    await new Promise<void>((resolve) => scheduler.after(random.between(1, 100), resolve));
    const isPut = random.chance(0.5);
    const operation: Operation = isPut
      ? { kind: 'put', value: `v${history.operations.length}` }
      : { kind: 'get' };
    const isAnywhere = client.bug === 'readsAtAnyNode' && !isPut;
    const node = isAnywhere ? random.pick(nodes) : (nodes[0] ?? '');
    const recorded = history.begin(client.client, `k${random.int(keysCount)}`, operation);
    history.end(recorded, await callNode(client, node, recorded));
  }
}

async function callNode(
  { transport }: Client,
  node: string,
  { key, operation }: RecordedOperation,
): Promise<Outcome> {
  try {
    const body: Request = { key, operation };
    // The node's handler returns nothing else.
    return (await transport.request(node, 'register', body, { timeoutMs: 1_000 })) as Outcome;
  } catch (error) {
    if (error instanceof StoreError) {
      throw error;
    }
    const isCertain = error instanceof RequestFailed && error.outcome === 'notSent';
    return { kind: isCertain ? 'failed' : 'unknown' };
  }
}

const clientsCount = 3;
const keysCount = 3;
