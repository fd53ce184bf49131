import { resolve } from 'node:path';
import { TABLE_NAME } from '../dataplane/item/table-name.ts';
import { portOf, required, UsageError } from '../dataplane/option-values.ts';
import type { PeerOptions } from './options.ts';

const PEER_PORT_DEFAULT = '8112';

/**
 * Where the meaning of attribute lists is kept, and who belongs to the cluster. In a table, which all nodes of a
 * cluster share; or in a folder or in memory, of a node that is alone.
 */
export type RegistryChoice =
  | { readonly kind: 'table'; readonly name: string }
  | { readonly kind: 'folder'; readonly folder: string }
  | { readonly kind: 'memory' };

/** `table:NAME`, `folder:DIR` or `memory`. @throws UsageError */
export function registryOf(text: string | undefined, defaultFolder: string): RegistryChoice {
  if (text === undefined) return { kind: 'folder', folder: resolve(defaultFolder) };
  if (text === 'memory') return { kind: 'memory' };
  const [, kind, rest = ''] = /^(table|folder):(.+)$/.exec(text) ?? [];
  switch (kind) {
    case 'folder':
      return { kind, folder: resolve(rest) };
    case 'table':
      if (TABLE_NAME.test(rest)) return { kind, name: rest };
      throw new UsageError(`--registry table: needs the name of a table, not '${rest}'`);
    default:
      throw new UsageError(`--registry needs table:NAME, folder:DIR or memory, not '${text}'`);
  }
}

/** What the command line says of other nodes. */
interface PeerValues {
  readonly 'peer-port'?: string | undefined;
  readonly 'peer-ca'?: string | undefined;
  readonly 'peer-cert'?: string | undefined;
  readonly 'peer-key'?: string | undefined;
}

/** Undefined for a node that is alone. @throws UsageError */
export function peersOf(values: PeerValues, registry: RegistryChoice): PeerOptions | undefined {
  const { 'peer-port': port, 'peer-ca': ca, 'peer-cert': cert, 'peer-key': key } = values;
  if (registry.kind !== 'table') {
    if ([port, ca, cert, key].every((value) => value === undefined)) return undefined;
    throw new UsageError(
      '--peer-port, --peer-ca, --peer-cert and --peer-key need --registry table:NAME',
    );
  }
  const number = portOf(port ?? PEER_PORT_DEFAULT, '--peer-port');
  if ([ca, cert, key].every((value) => value === undefined))
    return { port: number, tls: undefined };
  const file = (value: string | undefined, option: string) =>
    resolve(required(value, option, 'a file, as --peer-ca, --peer-cert and --peer-key all do'));
  return {
    port: number,
    tls: {
      ca: file(ca, '--peer-ca'),
      cert: file(cert, '--peer-cert'),
      key: file(key, '--peer-key'),
    },
  };
}
