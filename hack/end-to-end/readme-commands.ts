import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { command } from './command.ts';
import type { KindCluster } from './kind-cluster.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const CONFIG = fileURLToPath(new URL('one-node.yaml', import.meta.url));
/** An image from nothing, on a slow network. */
const COMMAND_MS_MAX = 15 * 60_000;

/** The commands that the README gives for an installation on kind, as they are written there. */
export async function readmeCommands(): Promise<readonly string[]> {
  const text = await readFile(`${ROOT}/README.md`, 'utf8');
  const block = /in four commands[^\n]*\n\n```sh\n([^`]*)```/.exec(text)?.[1];
  if (block === undefined) throw new Error('README.md does not say "in four commands" any more');
  return block.split('\n').filter((line) => line.trim() !== '');
}

/**
 * What a person's machine has and this one may lack: kind's node image, a kubelet that takes cgroup v1, Helm in
 * PATH. All else is as it is typed.
 */
const SURROUNDINGS = `set -eu
kind() {
  if [ "$1 $2" = 'create cluster' ]; then set -- "$@" --config "$ONE_NODE_CONFIG" \${KIND_NODE_IMAGE:+--image "$KIND_NODE_IMAGE"}; fi
  command kind "$@"
}
helm() { command "\${HELM:-helm}" "$@"; }
`;

/** Runs a line of the README in the repository's folder. @throws CommandError */
export function runAsTyped(line: string, cluster: KindCluster): Promise<string> {
  const env = {
    ONE_NODE_CONFIG: CONFIG,
    KIND_CLUSTER_NAME: cluster.name,
    KUBECONFIG: cluster.kubeconfig,
  };
  const options = { env, cwd: ROOT, timeoutMs: COMMAND_MS_MAX };
  return command('bash', ['-c', `${SURROUNDINGS}${line}`], options);
}
