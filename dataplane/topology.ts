import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { TABLE_NAME } from './item/table-name.ts';
import { type Complain, JsonFields } from './json-fields.ts';
import { defaultReplicationLimits, type ReplicationLimits } from './replication/limits.ts';
import { defaultLimits, type TransportLimits } from './replication/transport/options.ts';
import type { TlsFiles } from './tls-files.ts';

/** A process of the cluster: its name, its zone, and where it listens. */
export interface TopologyMember {
  /** Also the name that its certificate is made out to. */
  readonly id: string;
  readonly zone: string;
  /** Name or address, without a port. */
  readonly host: string;
  /** Of a node: its peers and routers connect here. Of a router: the HTTP API. */
  readonly port: number;
  /** HTTP of the admin interface, on the same host. */
  readonly adminPort: number;
  /** HTTP of probes and scrapers, on the same host; undefined: they use the admin interface. */
  readonly healthPort: number | undefined;
}

/** Smaller or larger bounds than usual: for tests. */
export interface TopologyLimits {
  readonly replication: Partial<ReplicationLimits>;
  readonly transport: Partial<TransportLimits>;
}

/** All processes of a cluster, as its topology file has them. */
export interface Topology {
  /** UUID, in lower case. */
  readonly clusterId: string;
  readonly region: string;
  readonly accountId: string;
  /** Of a cluster that is there for one table: told by `GET /identity`, and no more. */
  readonly tableName: string | undefined;
  readonly nodes: readonly TopologyMember[];
  readonly routers: readonly TopologyMember[];
  readonly tls: TlsFiles | undefined;
  readonly limits: TopologyLimits;
}

export type Role = 'node' | 'router';

/** The topology is absent, broken, or not what it was. The message is one line and names the file. */
export class TopologyError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'TopologyError';
  }
}

const MEMBERS_COUNT_MAX = 1024;
const MEMBERS = [
  ...['clusterId', 'region', 'accountId', 'tableName', 'nodes', 'routers', 'tls', 'limits'],
] as const;

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
/** What a DNS name may be, so that certificates can be made out to it. */
const ID = /^[a-z0-9]([a-z0-9.-]{0,126}[a-z0-9])?$/;

/**
 * Reads a topology file: JSON, see `Topology`. `tableName`, `tls`, `limits` and a member's
 * `healthPort` may be left out; paths are relative to the file, and `{id}` in them stands for the name
 * of the process that reads it.
 * @param id of the process that reads it
 * @throws TopologyError
 */
export function readTopology(path: string, id: string): Topology {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    throw new TopologyError(`cannot read the topology file ${path}: ${code}`, { cause: error });
  }
  const fail: Complain = (complaint) => {
    throw new TopologyError(`the topology file ${path} ${complaint}`);
  };
  return checkTopology(parse(text, fail), { folder: dirname(resolve(path)), id, fail });
}

/** The process of this role and name. @throws TopologyError */
export function memberOf(topology: Topology, role: Role, id: string): TopologyMember {
  const own = membersOf(topology, role).find((member) => member.id === id);
  if (own !== undefined) return own;
  const other = role === 'node' ? 'router' : 'node';
  const isOther = membersOf(topology, other).some((member) => member.id === id);
  throw new TopologyError(
    isOther
      ? `'${id}' is a ${other} in the topology, not a ${role}`
      : `there is no ${role} '${id}' in the topology`,
  );
}

/**
 * Why a running process cannot go on with a topology that was read anew; undefined when it can.
 * Addresses may be others and members may have come; names, zones and the cluster stay.
 */
export function successionFault(before: Topology, after: Topology): string | undefined {
  for (const member of ['clusterId', 'region', 'accountId', 'tableName'] as const) {
    if (before[member] !== after[member]) return `${member} cannot change while processes run`;
  }
  for (const role of ['node', 'router'] as const) {
    const zones = new Map(membersOf(after, role).map(({ id, zone }) => [id, zone]));
    for (const { id, zone } of membersOf(before, role)) {
      if (!zones.has(id)) return `the ${role} '${id}' is gone: restart the others without it`;
      if (zones.get(id) !== zone) return `the ${role} '${id}' cannot change its zone`;
    }
  }
  return undefined;
}

interface Reading {
  readonly folder: string;
  readonly id: string;
  readonly fail: Complain;
}

function membersOf(topology: Topology, role: Role): readonly TopologyMember[] {
  return role === 'node' ? topology.nodes : topology.routers;
}

function parse(text: string, fail: Complain): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return fail('is not JSON');
    throw error;
  }
}

function checkTopology(json: unknown, reading: Reading): Topology {
  const { fail } = reading;
  const fields = new JsonFields(json, '', fail);
  fields.only(...MEMBERS);
  const topology = {
    clusterId: fields.text('clusterId', UUID, 'a UUID in lower case'),
    region: fields.text('region', /^[a-z0-9-]{1,64}$/, 'a name like us-east-1'),
    accountId: fields.text('accountId', /^\d{12}$/, '12 digits'),
    tableName: fields.has('tableName')
      ? fields.text('tableName', TABLE_NAME, 'the name of a table')
      : undefined,
    nodes: fields.list('nodes').map(memberOfFields),
    routers: fields.list('routers').map(memberOfFields),
    tls: tlsOf(fields.object('tls'), reading),
    limits: limitsOf(fields.object('limits')),
  };
  if (topology.nodes.length === 0) fail('names no nodes');
  const all = [...topology.nodes, ...topology.routers];
  if (all.length > MEMBERS_COUNT_MAX) fail(`names more than ${MEMBERS_COUNT_MAX} processes`);
  checkUnique(all, fail);
  return topology;
}

function memberOfFields(fields: JsonFields): TopologyMember {
  fields.only('id', 'zone', 'host', 'port', 'adminPort', 'healthPort');
  return {
    id: fields.text('id', ID, 'a name of small letters, digits, hyphens and dots'),
    zone: fields.text('zone', /^[A-Za-z0-9._-]{1,63}$/, 'a name'),
    host: fields.text('host', /^[^\s/]{1,253}$/, 'a host name or address'),
    port: fields.whole('port', 1, 65_535),
    adminPort: fields.whole('adminPort', 1, 65_535),
    healthPort: fields.has('healthPort') ? fields.whole('healthPort', 1, 65_535) : undefined,
  };
}

function checkUnique(members: readonly TopologyMember[], fail: Complain): void {
  const ids = new Set<string>();
  const addresses = new Map<string, string>();
  for (const { id, host, port, adminPort, healthPort } of members) {
    if (ids.has(id)) fail(`names '${id}' twice`);
    ids.add(id);
    const ports = healthPort === undefined ? [port, adminPort] : [port, adminPort, healthPort];
    for (const address of ports.map((each) => `${host}:${each}`)) {
      const other = addresses.get(address);
      if (other === id) fail(`gives '${id}' the address ${address} twice`);
      if (other !== undefined) fail(`gives '${other}' and '${id}' the same address ${address}`);
      addresses.set(address, id);
    }
  }
}

function tlsOf(fields: JsonFields | undefined, { folder, id }: Reading): TlsFiles | undefined {
  if (fields === undefined) return undefined;
  fields.only('ca', 'cert', 'key');
  const path = (name: string) =>
    resolve(folder, fields.text(name, /./, 'a path').replaceAll('{id}', id));
  return { ca: path('ca'), cert: path('cert'), key: path('key') };
}

function limitsOf(fields: JsonFields | undefined): TopologyLimits {
  fields?.only('replication', 'transport');
  return {
    replication: fields?.object('replication')?.numbers(defaultReplicationLimits) ?? {},
    transport: fields?.object('transport')?.numbers(defaultLimits) ?? {},
  };
}
