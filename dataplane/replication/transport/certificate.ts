import { X509Certificate } from 'node:crypto';
import type { Socket } from 'node:net';
import { type ConnectionOptions, TLSSocket, type TlsOptions } from 'node:tls';
import type { Role, TlsMaterial } from './options.ts';
import type { NodeId } from './transport.ts';

/**
 * What certificates of all routers name where routers come and go (Kubernetes): it may stand for a
 * router's own id, and for no node's.
 */
export const ROUTER_CERTIFICATE_NAME = 'router.trestle.dev';

/** What the operator's certificate names; it lets its holder into admin interfaces. */
export const OPERATOR_CERTIFICATE_NAME = 'operator.trestle.dev';

/** Exactly that name, among the DNS names: neither wildcards nor the subject speak for a node. */
const NAME_RULES = { subject: 'never', wildcards: false } as const;

const FAILURE_CODES: ReadonlySet<string> = new Set([
  'CERT_HAS_EXPIRED',
  'CERT_NOT_YET_VALID',
  'CERT_SIGNATURE_FAILURE',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'INVALID_CA',
  'INVALID_PURPOSE',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_CRL',
]);

/** The listener's half of mutual TLS. */
export function listenerTls(tls: TlsMaterial, handshakeTimeout: number): TlsOptions {
  return {
    ...tls,
    handshakeTimeout,
    requestCert: true,
    rejectUnauthorized: true,
    minVersion: 'TLSv1.3',
  };
}

/** The dialler's half: the certificate has to name whom we dial, whatever the address is. */
export function diallerTls(tls: TlsMaterial, peer: NodeId): ConnectionOptions {
  return {
    ...tls,
    rejectUnauthorized: true,
    minVersion: 'TLSv1.3',
    checkServerIdentity: (_host, certificate) =>
      isMadeOutTo(new X509Certificate(certificate.raw), peer)
        ? undefined
        : new WrongName(`the certificate does not name ${peer}`),
  };
}

/** Whether the peer of this socket may go by that name; of plain TCP nothing is known. */
export function certifies(socket: Socket, name: string): boolean {
  if (!(socket instanceof TLSSocket)) return true;
  const certificate = socket.getPeerX509Certificate();
  return certificate !== undefined && isMadeOutTo(certificate, name);
}

/** Whether the peer of this socket may go by that id in that role. */
export function certifiesPeer(
  socket: Socket,
  { id, role }: { readonly id: NodeId; readonly role: Role },
): boolean {
  return certifies(socket, id) || (role === 'router' && certifies(socket, ROUTER_CERTIFICATE_NAME));
}

/** Whether a connection failed because one side did not take the other's certificate. */
export function isCertificateFailure(error: Error): boolean {
  if (error instanceof WrongName) return true;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  return FAILURE_CODES.has(code) || code.startsWith('ERR_SSL_') || code.startsWith('ERR_TLS_CERT');
}

class WrongName extends Error {}

function isMadeOutTo(certificate: X509Certificate, name: string): boolean {
  return certificate.checkHost(name, NAME_RULES) !== undefined;
}
