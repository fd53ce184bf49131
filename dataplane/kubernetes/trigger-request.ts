import type { JsonObject } from './table-resource.ts';
import type { CaBundleRef, TableSpec, Target, Trigger } from './table-types.ts';

/** A file that pods of the table need: a key of a Secret or ConfigMap of the namespace. */
export interface TriggerFile {
  readonly kind: 'Secret' | 'ConfigMap';
  readonly name: string;
  readonly key: string;
  /** Where it is, in the folder that nodes are given by `--secrets`. */
  readonly path: string;
}

/** Where events go, as far as a network policy can tell. */
export type TriggerDestination =
  /** Policies see the ports of pods, not those of a Service: any port. */
  | { readonly kind: 'namespace'; readonly namespace: string }
  | { readonly kind: 'port'; readonly port: number };

type AddressedTarget = Pick<Trigger, 'target' | 'caBundleRef' | 'authSecretRef'>;

/**
 * The triggers of a Table, as the member `Triggers` of UpdateTriggers, with every default: what
 * DescribeTriggers shows when the table has them.
 * @param namespace - of the Table
 */
export function triggersRequestOf({ triggers = [] }: TableSpec, namespace: string): JsonObject[] {
  return triggers.map((trigger) => {
    const { target: _, caBundleRef: __, authSecretRef: ___, deadLetter, ...settings } = trigger;
    return {
      ...settings,
      filterPatterns: settings.filterPatterns ?? [],
      target: targetOf(trigger, namespace),
      ...(deadLetter === undefined ? {} : { deadLetter: targetOf(deadLetter, namespace) }),
    };
  });
}

/** Each file once, in the order of their paths. */
export function triggerFilesOf({ triggers = [] }: TableSpec): readonly TriggerFile[] {
  const files = addressedTargets(triggers).flatMap(({ caBundleRef, authSecretRef }) => [
    ...(caBundleRef === undefined ? [] : [fileOf(caBundleRef)]),
    ...(authSecretRef === undefined ? [] : [fileOf({ kind: 'Secret', ...authSecretRef })]),
  ]);
  const byPath = new Map(files.map((file) => [file.path, file]));
  return [...byPath.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** Each destination once, in a fixed order. */
export function triggerDestinationsOf(
  { triggers = [] }: TableSpec,
  namespace: string,
): readonly TriggerDestination[] {
  const all = addressedTargets(triggers).map(({ target }) => destinationOf(target, namespace));
  const byText = new Map(all.map((destination) => [JSON.stringify(destination), destination]));
  return [...byText].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, destination]) => destination);
}

function addressedTargets(triggers: readonly Trigger[]): readonly AddressedTarget[] {
  return triggers.flatMap((trigger) =>
    trigger.deadLetter === undefined ? [trigger] : [trigger, trigger.deadLetter],
  );
}

function targetOf({ target, caBundleRef, authSecretRef }: AddressedTarget, namespace: string) {
  return {
    url: urlOf(target, namespace),
    ...(caBundleRef === undefined ? {} : { caBundle: fileOf(caBundleRef).path }),
    ...(authSecretRef === undefined
      ? {}
      : {
          auth: {
            scheme: authSecretRef.scheme,
            secret: fileOf({ kind: 'Secret', ...authSecretRef }).path,
          },
        }),
  };
}

function urlOf({ url, service }: Target, namespace: string): string {
  if (service === undefined) return url ?? ''; // It has one of both.
  const { name, port, path, scheme } = service;
  const host = `${name}.${service.namespace ?? namespace}.svc`;
  return `${scheme}://${host}${port === undefined ? '' : `:${port}`}${path}`;
}

function fileOf({ kind, name, key }: CaBundleRef): TriggerFile {
  const folder = kind === 'Secret' ? 'secrets' : 'configmaps';
  return { kind, name, key, path: `${folder}/${name}/${key}` };
}

function destinationOf({ url, service }: Target, namespace: string): TriggerDestination {
  if (service !== undefined) {
    return { kind: 'namespace', namespace: service.namespace ?? namespace };
  }
  const { port, protocol } = new URL(url ?? '');
  return { kind: 'port', port: port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port) };
}
