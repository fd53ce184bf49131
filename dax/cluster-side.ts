import { randomBytes } from 'node:crypto';
import type { Logger } from 'pino';
import type { LoadedTls } from '../dataplane/admin/certificate-report.ts';
import { FileWatch } from '../dataplane/file-watch.ts';
import { UsageError } from '../dataplane/option-values.ts';
import { readTlsFiles, TlsFilesError } from '../dataplane/tls-files.ts';
import type { Undo } from '../dataplane/undo.ts';
import type { CacheCoherence } from './cache/cached-tables.ts';
import { type Coherence, SingleNode } from './cluster/coherence.ts';
import { L2_SETTLE_MS } from './cluster/coherence-limits.ts';
import { FolderRegistryStore } from './cluster/folder-registry-store.ts';
import { MemoryRegistryStore } from './cluster/memory-registry-store.ts';
import { type CoherenceMetrics, PeerCoherence } from './cluster/peer-coherence.ts';
import type { RegistryStore } from './cluster/registry-store.ts';
import { systemScheduler } from './cluster/scheduler.ts';
import { TableRegistryStore } from './cluster/table-registry-store.ts';
import { TcpPeerNetwork } from './cluster/tcp-peer-network.ts';
import type { DaxOptions, PeerOptions } from './options.ts';
import type { RegistryChoice } from './registry-options.ts';
import type { TableCalls } from './tables/table-calls.ts';

/** The cluster that a node belongs to; of a node that is alone, itself. */
export interface ClusterSide {
  readonly registry: RegistryStore;
  readonly coherence: Coherence & CacheCoherence;
  /** How long it takes until all nodes know of L2's new keys; 0 for a node that is alone. */
  readonly settleMs: number;
  /** Undefined for a node that is alone. */
  readonly metrics: (() => CoherenceMetrics) | undefined;
  /** Certificates among nodes, as they are now. */
  readonly loadedTls: () => readonly LoadedTls[];
}

/**
 * Opens the registry, and the port for other nodes if there may be any. Nobody is told of this node yet.
 * @throws UsageError, TlsFilesError, or the system's error for a port
 */
export async function openCluster(
  options: DaxOptions,
  calls: TableCalls,
  log: Logger,
  undo: Undo,
): Promise<ClusterSide> {
  const { registry: choice, peers, clusterName: cluster } = options;
  const registry = openRegistry(choice, calls, cluster);
  if (choice.kind !== 'table' || peers === undefined) {
    const coherence = new SingleNode(newId);
    return { registry, coherence, settleMs: 0, metrics: undefined, loadedTls: () => [] };
  }
  const network = await openNetwork(options.bind, peers, log, undo);
  const coherence = new PeerCoherence({
    cluster,
    registry,
    network,
    scheduler: systemScheduler,
    newId,
    random: Math.random,
    log: (event, fields) => log.info(fields, event),
  });
  undo.push(() => coherence.close());
  return {
    registry,
    coherence,
    settleMs: L2_SETTLE_MS,
    metrics: () => coherence.metrics,
    loadedTls: () => [{ use: 'peers', ...network.tls }],
  };
}

function newId(): string {
  return randomBytes(15).toString('base64url');
}

function openRegistry(choice: RegistryChoice, calls: TableCalls, cluster: string): RegistryStore {
  switch (choice.kind) {
    case 'memory':
      return new MemoryRegistryStore();
    case 'folder':
      return openFolder(choice.folder);
    case 'table':
      return new TableRegistryStore({ calls, tableName: choice.name, cluster });
  }
}

function openFolder(folder: string): RegistryStore {
  try {
    return new FolderRegistryStore(folder);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error)) throw error;
    throw new UsageError(`cannot make the folder ${folder}: ${String(error.code)}`, {
      cause: error,
    });
  }
}

/** Its certificate is read again when it changes. */
async function openNetwork(
  host: string,
  { port, tls: files }: PeerOptions,
  log: Logger,
  undo: Undo,
): Promise<TcpPeerNetwork> {
  const network = await TcpPeerNetwork.listen({
    host,
    port,
    tls: files && readTlsFiles(files),
    log: (event, fields) => log.info(fields, event),
  });
  undo.push(() => network.close());
  if (files === undefined) return network;
  const watch = FileWatch.start({
    paths: () => Object.values(files),
    onChange: () => {
      try {
        network.setTls(readTlsFiles(files));
        log.info({ cert: files.cert }, 'peerCertificateReloaded');
      } catch (error) {
        if (!(error instanceof TlsFilesError)) throw error;
        log.error({ error: error.message }, 'peerCertificateRefused');
      }
    },
  });
  undo.push(() => watch.close());
  return network;
}
