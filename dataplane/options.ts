import {
  type NodeOptions,
  nodeHelp,
  parseNode,
  parseRouter,
  type RouterOptions,
  routerHelp,
} from './cluster-options.ts';
import { type EmbeddedOptions, embeddedHelp, parseEmbedded } from './embedded-options.ts';
import {
  type KubernetesRouterOptions,
  kubernetesRouterHelp,
  parseKubernetesRouter,
} from './kubernetes-router-options.ts';
import { UsageError } from './option-values.ts';

/** What the command line asks for. */
export type Command =
  | { readonly kind: 'embedded'; readonly options: EmbeddedOptions }
  | { readonly kind: 'node'; readonly options: NodeOptions }
  | { readonly kind: 'router'; readonly options: RouterOptions }
  | { readonly kind: 'kubernetesRouter'; readonly options: KubernetesRouterOptions }
  | { readonly kind: 'help'; readonly text: string };

const HELP: ReadonlyMap<string, string> = new Map([
  ['embedded', embeddedHelp],
  ['node', nodeHelp],
  ['router', routerHelp + kubernetesRouterHelp],
]);

/**
 * Reads the command line (without node and script): a role, embedded if it is left out, and its
 * options.
 * @param defaultFolder where an embedded server keeps its tables unless `--data` says otherwise
 * @throws UsageError
 */
export function parseCommand(args: readonly string[], defaultFolder: string): Command {
  const [first = ''] = args;
  const hasRole = first !== '' && !first.startsWith('-');
  const role = hasRole ? first : 'embedded';
  const help = HELP.get(role);
  if (help === undefined) {
    throw new UsageError(`there is no role '${role}'; there is: ${[...HELP.keys()].join(', ')}`);
  }
  const rest = hasRole ? args.slice(1) : args;
  if (rest.includes('--help') || rest.includes('-h')) return { kind: 'help', text: help };
  switch (role) {
    case 'node':
      return { kind: 'node', options: parseNode(rest) };
    case 'router':
      if (rest.includes('--kubernetes')) {
        return { kind: 'kubernetesRouter', options: parseKubernetesRouter(rest) };
      }
      return { kind: 'router', options: parseRouter(rest) };
    default:
      return { kind: 'embedded', options: parseEmbedded(rest, defaultFolder) };
  }
}
