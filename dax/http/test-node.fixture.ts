import type { CacheCounters } from '../cache/counters.ts';
import { type DaxNode, startDaxNode } from '../node.ts';
import { parseDaxOptions } from '../options.ts';

/** For tests: a whole node in this process, in front of tables that are there already. */
export interface TestNode {
  /** Of the JSON door; 0 where it speaks TLS alone. */
  readonly port: number;
  readonly node: DaxNode;
  counters(): CacheCounters;
  close(): Promise<void>;
}

/** @param args further options of `dax/main.ts`; ports aside */
export async function startTestNode(
  tablesUrl: string,
  args: readonly string[] = [],
): Promise<TestNode> {
  const ports = ['--port', '0', '--http-port', '0', '--health-port', '0'];
  const options = ['--tables', tablesUrl, '--registry', 'memory', '--log-level', 'silent'];
  const node = await startDaxNode(parseDaxOptions([...ports, ...options, ...args], ''));
  return {
    port: Number(node.urls.http === undefined ? 0 : new URL(node.urls.http).port),
    node,
    counters: () => node.counters(),
    close: () => node.close(),
  };
}
