import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { parseAllDocuments } from 'yaml';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('../..', import.meta.url));
export const CHART = `${ROOT}charts/trestle`;

/** Building Helm, where there is none, takes its time. */
export const HELM_MS_MAX = 30 * 60_000;
const OUTPUT_BYTES_MAX = 16 * 1024 * 1024;

/** Anything of a manifest, by name. */
export type Fields = { readonly [name: string]: unknown };

export interface Manifest extends Fields {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
}

export interface Rendering {
  readonly release?: string;
  readonly namespace?: string;
  /** What the cluster knows beside Kubernetes' own. */
  readonly apiVersions?: readonly string[];
}

/** @throws Error with one line when there is no Helm and none can be built */
export async function findHelm(): Promise<string> {
  try {
    const { stdout } = await run(`${ROOT}hack/helm`);
    return stdout.trim();
  } catch (error) {
    throw new Error(stderrOf(error), { cause: error });
  }
}

/** Renders the chart as `helm install` would. @throws Error with what Helm says */
export async function render(
  helm: string,
  values: Fields = {},
  { release = 'trestle', namespace = 'tables', apiVersions = [] }: Rendering = {},
): Promise<readonly Manifest[]> {
  const args = ['template', release, CHART, '--namespace', namespace, '--kube-version', '1.36.0'];
  for (const version of apiVersions) args.push('--api-versions', version);
  const text = await helmOutput(helm, [...args, '--values', '-'], JSON.stringify(values));
  return parseAllDocuments(text, { version: '1.1' }).flatMap((document) => {
    if ('errors' in document && document.errors.length > 0) throw document.errors[0];
    const manifest: Manifest | null = document.toJS();
    return manifest === null ? [] : [manifest];
  });
}

/** @throws Error with what Helm says */
export async function helmOutput(
  helm: string,
  args: readonly string[],
  input = '',
): Promise<string> {
  const running = run(helm, [...args], { maxBuffer: OUTPUT_BYTES_MAX });
  running.child.stdin?.end(input);
  try {
    const { stdout } = await running;
    return stdout;
  } catch (error) {
    throw new Error(stderrOf(error), { cause: error });
  }
}

function stderrOf(error: unknown): string {
  if (typeof error === 'object' && error !== null && 'stderr' in error) {
    return String(error.stderr).trim();
  }
  return String(error);
}
