import type { CertificateReport } from '../../dataplane/admin/certificate-report.ts';
import { certificatesOf } from '../../dataplane/pem-certificates.ts';
import { membersOf } from '../answer.ts';
import type { Pod } from '../table/objects.ts';
import type { Authority } from './authority-secret.ts';

/** What every process of a namespace is to have loaded before a phase of a rotation ends. */
export interface Wanted {
  /** Fingerprints of all authorities of `ca.crt`. */
  readonly trusted: readonly string[];
  /** The former authority, nobody's certificate is to be of; undefined in phase 1. */
  readonly retired: string | undefined;
}

export function wantedOf({ bundle, previous }: Pick<Authority, 'bundle' | 'previous'>): Wanted {
  return {
    trusted: fingerprintsOf(bundle),
    retired: previous === undefined ? undefined : fingerprintsOf(previous)[0],
  };
}

/**
 * What a process lacks, for people; undefined: nothing. It trusts the former authority still, so of a
 * certificate of that authority it says so: one that is of another, or of one that it does not know (a
 * DaxCluster's own, `spec.tls`), is not in the way.
 */
export function lackOf({ trusted, leaves }: CertificateReport, wanted: Wanted): string | undefined {
  if (wanted.trusted.some((each) => !trusted.includes(each))) return 'has not loaded ca.crt yet';
  const old = leaves.find(({ signedBy }) => signedBy !== null && signedBy === wanted.retired);
  return old === undefined ? undefined : `still shows its former certificate (${old.use})`;
}

/** The answer of `GET /certificates`; undefined: it is none. A process may be of another version. */
export function reportOf(answer: unknown): CertificateReport | undefined {
  const { trusted, leaves } = membersOf(answer);
  if (!isList(trusted, isText) || !isList(leaves, isLeaf)) return undefined;
  return { trusted, leaves };
}

/**
 * Whether a pod may have files of a former phase. One that no machine has taken yet gets those of its time;
 * one that has ended has no process.
 */
export function isConcerned({ spec, status }: Pod): boolean {
  if (spec.nodeName === undefined) return false;
  return status?.phase !== 'Succeeded' && status?.phase !== 'Failed';
}

function fingerprintsOf(pem: string): readonly string[] {
  return certificatesOf(pem).map(({ fingerprint256 }) => fingerprint256);
}

function isLeaf(value: unknown): value is CertificateReport['leaves'][number] {
  const { use, notAfter, signedBy } = membersOf(value);
  return isText(use) && isText(notAfter) && (signedBy === null || isText(signedBy));
}

function isList<T>(value: unknown, is: (each: unknown) => each is T): value is readonly T[] {
  return Array.isArray(value) && value.every(is);
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}
