import { connect } from 'node:tls';
import { ROUTER_SECRET } from '../../operator/certificates/namespace-secrets.ts';
import type { Installation, Pod } from './installation.ts';
import { until } from './until.ts';

/** The routers' certificate is made anew, and routers serve with it: no pod has anything to do with that but to read files. */

const TLS_PORT = 8443;
const ROUTERS = 'app.kubernetes.io/component=router';
const HANDSHAKE_MS_MAX = 5_000;
/** An operator that takes over does so within seconds; kubelets look at Secrets once in 60 to 90 s. */
const ROTATION_MS_MAX = 5 * 60_000;

export interface CertificateState {
  /** By pod. */
  readonly serials: ReadonlyMap<string, string>;
  /** Of the pods, to see that none is another one now, and that no container was started again. */
  readonly lives: readonly string[];
}

/** What routers show to clients at present. Needs routes to pods. */
export async function certificateState(installation: Installation): Promise<CertificateState> {
  const pods = await installation.pods(ROUTERS);
  const { servername } = await installation.tls();
  const entries = await Promise.all(
    pods.map(async (pod) => [pod.name, await serialOf(pod, servername)] as const),
  );
  const lives = pods.map(({ name, uid, restartsCount }) => `${name} ${uid} ${restartsCount}`);
  return { serials: new Map(entries), lives };
}

/** The Secret goes; the operator that leads next makes another when it begins. */
export async function forgetCertificate(installation: Installation): Promise<void> {
  await installation.kubectl('delete', 'secret', ROUTER_SECRET);
}

/** All routers show another certificate than before. @returns how they are then */
export function certificateRenewed(
  installation: Installation,
  before: CertificateState,
): Promise<CertificateState> {
  const old = new Set(before.serials.values());
  return until(
    () => certificateState(installation),
    ({ serials }) =>
      serials.size === before.serials.size &&
      [...serials.values()].every((serial) => !old.has(serial)),
    ROTATION_MS_MAX,
  );
}

async function serialOf({ name, address }: Pod, servername: string): Promise<string> {
  if (address === undefined) throw new Error(`${name} has no address`);
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  // Who it is, is what the load judges; here it is only looked at.
  const options = { host: address, port: TLS_PORT, servername, rejectUnauthorized: false };
  const socket = connect(options, () => {
    resolve(socket.getPeerCertificate().serialNumber);
    socket.destroy();
  });
  socket.setTimeout(HANDSHAKE_MS_MAX, () => socket.destroy(new Error(`${name} does not answer`)));
  socket.on('error', reject);
  return promise;
}
