import type { MetricsPage } from './metrics-page.ts';
import type { PeerStatus } from './node-admin.ts';

/** Metrics of the links to the other processes of the cluster. */
export function addPeerMetrics(page: MetricsPage, peers: () => readonly PeerStatus[]): void {
  const labels = ['peer'];
  page.gauge({ name: 'peer_connected', help: '1: a connection is up.', labels }, () =>
    peers().map(({ id, isConnected }) => ({ labels: { peer: id }, value: isConnected ? 1 : 0 })),
  );
  page.gauge(
    { name: 'peer_queue_bytes', help: 'Frames that the socket has not taken yet.', labels },
    () => peers().map(({ id, queuedBytes = 0 }) => ({ labels: { peer: id }, value: queuedBytes })),
  );
}
