import type { AccessKey } from './signature.ts';

export const endpointNames = [
  'bare',
  'trestle',
  'trestle-memory',
  'trestle-signed',
  'trestle-before',
  'dynalite',
  'dynamodb-local',
  'dynamodb-local-disk',
  'dynoxide',
  'dynoxide-disk',
] as const;
export type EndpointName = (typeof endpointNames)[number];

/** What compares with what: endpoints that keep their promise on disk, and those that keep nothing. */
export type Mode = 'ceiling' | 'memory' | 'disk';

/** One server to compare, not started yet. */
export interface Endpoint {
  readonly name: EndpointName;
  readonly mode: Mode;
  readonly isPeer: boolean;
  /** What a reader must know to judge it. */
  readonly note: string;
  readonly accessKey: AccessKey | undefined;
  /** The command that serves on this port, with its data (if any) below this folder. */
  command(port: number, folder: string): readonly string[];
}
