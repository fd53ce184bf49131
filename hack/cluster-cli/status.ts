import { setTimeout as delay } from 'node:timers/promises';
import { askAdmin } from './admin-client.ts';
import type { ClusterFolder, Process } from './cluster-folder.ts';
import { Complaint } from './complaint.ts';
import type { Processes } from './processes.ts';

const PROGRESS_MS = 200;

/** What is read of `GET /partitions`; the admin interface's README describes it. */
interface PartitionLine {
  readonly partitionId: string;
  readonly replicaId: number;
  readonly table: string | null;
  readonly index: string | null;
  readonly role: string;
  readonly term: number;
  readonly voters: readonly string[];
  readonly learners: readonly string[];
  readonly items: number | null;
  readonly followers:
    | readonly {
        readonly node: string;
        readonly lagEntries: number;
        readonly isRecentlyActive: boolean;
        readonly isInSnapshot: boolean;
      }[]
    | null;
  readonly failure: string | null;
}

interface NodeLine {
  readonly process: Process;
  readonly state: string;
  readonly partitions: readonly PartitionLine[];
  readonly cutFrom: readonly string[];
}

/** Shows all processes, and every partition as its leader sees it. */
export async function status(folder: ClusterFolder, processes: Processes): Promise<void> {
  const all = folder.processes();
  const lines = await Promise.all(all.map((process) => lineOf(process, processes)));
  console.log(
    table([
      ['process', 'zone', 'pid', 'address', 'state', 'replicas', 'leads'],
      ...lines.map(({ process, state, partitions, cutFrom }) => [
        process.id,
        process.zone,
        String(processes.pid(process.id) ?? '-'),
        `${process.host}:${process.port}`,
        cutFrom.length === 0 ? state : `${state}; cut off from ${cutFrom.join(', ')}`,
        process.role === 'node' ? String(partitions.length) : '-',
        process.role === 'node' ? String(partitions.filter(isLeader).length) : '-',
      ]),
    ]),
  );
  console.log(`\n${partitionTable(lines)}`);
}

async function lineOf(process: Process, processes: Processes): Promise<NodeLine> {
  const state = processes.state(process.id);
  if (state !== 'running') return { process, state, partitions: [], cutFrom: [] };
  try {
    const { status, body } = await askAdmin(process, 'GET', '/readyz');
    // The admin interface is of the same version as this file.
    const { reasons } = body as { readonly reasons: readonly string[] };
    const health = status === 200 ? 'ready' : `not ready: ${reasons.join('; ')}`;
    if (process.role === 'router') return { process, state: health, partitions: [], cutFrom: [] };
    const partitions = await partitionsOf(process);
    const { body: faults } = await askAdmin(process, 'GET', '/faults');
    const { links = [] } = faults as { readonly links?: readonly { readonly peer: string }[] };
    return { process, state: health, partitions, cutFrom: links.map(({ peer }) => peer) };
  } catch (error) {
    if (!(error instanceof Complaint)) throw error;
    return { process, state: 'does not answer', partitions: [], cutFrom: [] };
  }
}

/** A leader begins to look how far its followers are when it is asked; by the second time it knows. */
async function partitionsOf(process: Process): Promise<readonly PartitionLine[]> {
  const { body } = await askAdmin(process, 'GET', '/partitions');
  const { partitions } = body as { readonly partitions: readonly PartitionLine[] };
  const isUnknown = ({ followers, voters }: PartitionLine) =>
    followers?.length === 0 && voters.length > 1;
  if (!partitions.some(isUnknown)) return partitions;
  await delay(PROGRESS_MS);
  const again = await askAdmin(process, 'GET', '/partitions');
  return (again.body as { readonly partitions: readonly PartitionLine[] }).partitions;
}

function isLeader({ role }: PartitionLine): boolean {
  return role === 'leader';
}

/** Of several that think that they lead, the one of the highest term does. */
function partitionTable(lines: readonly NodeLine[]): string {
  const newest = new Map<string, { readonly node: string; readonly line: PartitionLine }>();
  for (const { process, partitions } of lines) {
    for (const line of partitions) {
      const known = newest.get(line.partitionId);
      const isBetter =
        known === undefined ||
        rankOf(line) > rankOf(known.line) ||
        (rankOf(line) === rankOf(known.line) && line.term > known.line.term);
      if (isBetter) newest.set(line.partitionId, { node: process.id, line });
    }
  }
  const rows = [...newest.values()]
    .sort((a, b) => Number(BigInt(a.line.partitionId) - BigInt(b.line.partitionId)))
    .map(({ node, line }) => [
      line.partitionId,
      ownerOf(line),
      isLeader(line) ? node : 'none',
      line.voters.join(', '),
      line.learners.join(', ') || '-',
      String(line.items ?? '-'),
      lagOf(line),
    ]);
  if (rows.length === 0) return 'No partitions are known: no node answers.';
  return table([
    [
      'partition',
      'table',
      'leader',
      'voters',
      'learners',
      'items',
      'behind the leader, in entries',
    ],
    ...rows,
  ]);
}

function rankOf(line: PartitionLine): number {
  return isLeader(line) ? 1 : 0;
}

function ownerOf({ partitionId, table: name, index }: PartitionLine): string {
  if (partitionId === '0') return '(catalog)';
  if (name === null) return '-';
  return index === null ? name : `${name}/${index}`;
}

function lagOf({ followers, failure }: PartitionLine): string {
  if (failure !== null) return `failed: ${failure}`;
  if (followers === null) return '-';
  return (
    followers
      .map(({ node, lagEntries, isRecentlyActive, isInSnapshot }) => {
        // Groups without work are silent, and need not talk.
        const isLost = lagEntries > 0 && !isRecentlyActive;
        const more = isInSnapshot ? ' (gets a snapshot)' : isLost ? ' (silent)' : '';
        return `${node}: ${lagEntries}${more}`;
      })
      .join(', ') || '-'
  );
}

/** Columns as wide as their widest cell. */
function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  );
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
