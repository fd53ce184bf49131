import { X509Certificate } from 'node:crypto';
import { afterAll, expect, test } from 'vitest';
import { Authority } from '../replication/transport/authority.fixture.ts';
import { certificateReport, expirySamples } from './certificate-report.ts';

const [ours, theirs] = [new Authority(), new Authority()];
const certified = ours.sign('a-1');
const fingerprint = (pem: string) => new X509Certificate(pem).fingerprint256;
const notAfter = new X509Certificate(certified.cert).validToDate;

afterAll(() => {
  ours.remove();
  theirs.remove();
});

test('a process says whom it trusts, who has signed its certificates, and when they end', () => {
  const loaded = [{ use: 'peers', ...certified, ca: `${theirs.ca}${ours.ca}` }];
  const [a, b] = [fingerprint(theirs.ca), fingerprint(ours.ca)];
  expect(certificateReport(loaded)).toEqual({
    trusted: [a, b],
    leaves: [{ use: 'peers', notAfter: notAfter.toISOString(), signedBy: b }],
  });
  expect(expirySamples(loaded)).toEqual([
    { labels: { use: 'peers' }, value: notAfter.getTime() / 1_000 },
  ]);
});

test('what not all parts trust is not trusted, and a certificate of a stranger has no signer', () => {
  const loaded = [
    { use: 'peers', ca: `${ours.ca}${theirs.ca}` },
    { use: 'tables', ca: ours.ca },
    { use: 'dax', cert: certified.cert },
  ];
  const { trusted, leaves } = certificateReport(loaded);
  expect(trusted).toEqual([fingerprint(ours.ca)]);
  expect(leaves.map(({ signedBy }) => signedBy)).toEqual([fingerprint(ours.ca)]);
  const stranger = { use: 'https', cert: theirs.sign('x').cert };
  const { leaves: others } = certificateReport([{ use: 'peers', ca: ours.ca }, stranger]);
  expect(others.map(({ use, signedBy }) => [use, signedBy])).toEqual([['https', null]]);
});

test('a process without TLS has nothing to say', () => {
  const loaded = [{ use: 'clients', cert: undefined }];
  expect(certificateReport(loaded)).toEqual({ trusted: [], leaves: [] });
  expect(expirySamples(loaded)).toEqual([]);
});
