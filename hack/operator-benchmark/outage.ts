import { setTimeout as delay } from 'node:timers/promises';
import type { Finding } from '../findings/finding.ts';
import { type OperatorProcess, sumOf } from './operator-process.ts';
import type { Part } from './part.ts';
import { Scene, secondsUntil } from './scene.ts';
import { finding } from './tables.ts';

const SECONDS_MAX = 300;
/** A kubelet waits so long, and twice as long each time, before it starts a container again. */
const RESTART_MS = 10_000;

/**
 * The API server is away for some minutes, the nodes are not. The leader ends when its Lease has run out,
 * once, and is started again as its Deployment does; when the API server is back, everything goes on.
 */
export const outage: Part = async ({ options, api, folder }) => {
  const { outageTablesCount: count, outageSeconds } = options;
  const scene = await Scene.open(api, folder);
  const keeper = new Keeper(scene);
  try {
    await scene.create(count);
    await keeper.start();
    await secondsUntil(() => scene.readyCount() === count, SECONDS_MAX);
    await api.stop();
    await delay(outageSeconds * 1000);
    await api.restart();
    const leads = secondsUntil(() => keeper.leads(), SECONDS_MAX);
    await scene.createOne('later');
    await scene.change('table-0', { tags: [{ key: 'told', value: 'after' }] });
    const uid = scene.tables.get({ namespace: scene.namespace, name: 'table-0' })?.metadata.uid;
    const changed = secondsUntil(() => scene.crowd.nodes.tagsOf(uid ?? '').length > 0, SECONDS_MAX);
    const whole = secondsUntil(() => scene.readyCount() === count + 1, SECONDS_MAX);
    const title = `API server away for ${outageSeconds} s, ${count} Tables: ends of the operator`;
    return [
      { ...finding(title, keeper.endsCount, 'times'), target: { side: 'at most', bound: 1 } },
      finding('  from its return until an operator leads', await leads, 's'),
      finding('  until a change has reached its table', await changed, 's'),
      within(finding('  until a new Table and all others are Ready', await whole, 's'), 90),
    ];
  } finally {
    await keeper.close();
    await scene.close();
  }
};

function within(found: Finding, bound: number): Finding {
  return { ...found, target: { side: 'at most', bound } };
}

/** Starts an operator again when it ends, as a kubelet does. */
class Keeper {
  readonly #scene: Scene;
  readonly #closing = new AbortController();
  #operator: OperatorProcess | undefined;
  endsCount = 0;

  constructor(scene: Scene) {
    this.#scene = scene;
  }

  async start(): Promise<void> {
    const operator = await this.#scene.startOperator();
    this.#operator = operator;
    void operator.ended.then(() => this.#again());
  }

  async leads(): Promise<boolean> {
    return sumOf((await this.#operator?.metrics()) ?? [], 'operator_is_leader') === 1;
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#operator?.kill();
  }

  async #again(): Promise<void> {
    const { signal } = this.#closing;
    if (signal.aborted) return;
    this.endsCount += 1;
    await delay(RESTART_MS * 2 ** (this.endsCount - 1));
    if (!signal.aborted) await this.start();
  }
}
