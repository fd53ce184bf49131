import { ClientFault } from './client-fault.ts';

/**
 * Faults found before an operation runs: the body's form, the target, the signature; and the one
 * answer for everything that is not the caller's fault.
 *
 * Texts: reference/dynamodb.md section 4 (captures).
 */

export const transportFaults = {
  /** Bad JSON, an empty body, a top level that is no object; the service sends no text. */
  notJson: () => new ClientFault('SerializationException'),
  unknownOperation: () => new ClientFault('UnknownOperationException'),
  /** Status 500. `message` tells the operator of this server what to do; it carries no detail. */
  internal: (message = 'The request processing has failed because of an unknown error.') =>
    new ClientFault('InternalServerError', message),
  /**
   * Too much waits already. SDKs try again after a throttling, and later each time, and batches
   * hand the part back as unprocessed; after a 500 they come back sooner.
   */
  shed: () =>
    new ClientFault(
      'ThrottlingException',
      'Too many requests wait for a part of the table; try again.',
    ),
} as const;

/** Operating errors as the caller sees them; all of them are answered with status 500. */
export const operatingTexts = {
  full: 'The volume of the data folder is full: writes are refused until space is freed.',
  io: 'The disk refused the request; see the log of the server.',
  damaged: 'The data folder is damaged; see the log of the server.',
  closed: 'The server is shutting down.',
  overloaded: 'Too many large requests at once; try again.',
  noControlPlane:
    'The Kubernetes API server cannot be reached: tables cannot be created or changed now; try again.',
  unavailable: 'The replicas that have this data cannot be reached; try again.',
  badCompression: 'The body does not decompress as its Content-Encoding says.',
} as const;

/** A signature that may be right, but is not of about now. */
export class SignatureTimeFault extends ClientFault {
  constructor(message: string) {
    super('InvalidSignatureException', message);
  }
}

/** Every way in which a signature can be wrong, in the order in which it is looked at. */
export const signatureFaults = {
  missingToken: () =>
    new ClientFault(
      'MissingAuthenticationTokenException',
      'Request is missing Authentication Token',
    ),
  headerAndQuery: () =>
    invalidSignature(
      "Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as HTTP header.",
    ),
  /** `missing`: of Credential, Signature, SignedHeaders, in this order. */
  headerParts: (missing: readonly string[], hasDate: boolean, authorization: string) =>
    incompleteSignature(
      missing.map((part) => `Authorization header requires '${part}' parameter. `).join('') +
        (hasDate
          ? ''
          : "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. ") +
        `Authorization=${authorization}`,
    ),
  queryParts: (missing: readonly string[]) =>
    incompleteSignature(
      missing.map((part) => `AWS query-string parameters must include '${part}'. `).join('') +
        'Re-examine the query-string parameters.',
    ),
  dateForm: (date: string) =>
    incompleteSignature(
      `Date must be in ISO-8601 'basic format'. Got '${date}'. See http://en.wikipedia.org/wiki/ISO_8601`,
    ),
  expiryForm: () => incompleteSignature("'X-Amz-Expires' must be between 0 and 604800 seconds."),
  /** Times in ISO-8601 basic format. */
  expired: (date: string, earliest: string, now: string, windowMinutes: number) =>
    new SignatureTimeFault(
      `Signature expired: ${date} is now earlier than ${earliest} (${now} - ${windowMinutes} min.)`,
    ),
  notYetCurrent: (date: string, latest: string, now: string, windowMinutes: number) =>
    new SignatureTimeFault(
      `Signature not yet current: ${date} is still later than ${latest} (${now} + ${windowMinutes} min.)`,
    ),
  hostNotSigned: () =>
    invalidSignature("'Host' must be a 'SignedHeader' in the AWS Authorization."),
  algorithm: (algorithm: string) =>
    incompleteSignature(
      `Unsupported AWS 'algorithm': '${algorithm}' (only AWS4-HMAC-SHA256 for now). `,
    ),
  credentialForm: (credential: string) =>
    incompleteSignature(
      `Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got '${credential}'`,
    ),
  /** The sentences of `scopeTexts` that apply, joined. */
  credentialScope: (sentences: string) => invalidSignature(sentences),
  /** Key id or session token. */
  invalidToken: () =>
    new ClientFault(
      'UnrecognizedClientException',
      'The security token included in the request is invalid.',
    ),
  mismatch: (canonicalRequest: string, stringToSign: string) =>
    invalidSignature(
      'The request signature we calculated does not match the signature you provided. ' +
        'Check your AWS Secret Access Key and signing method. ' +
        'Consult the service documentation for details.\n\n' +
        `The Canonical String for this request should have been\n'${canonicalRequest}'\n\n` +
        `The String-to-Sign should have been\n'${stringToSign}'\n`,
    ),
} as const;

/** What can be wrong with a credential scope; the service reports all of it at once. */
export const scopeTexts = {
  region: (region: string) => `Credential should be scoped to a valid region, not '${region}'. `,
  service: () => "Credential should be scoped to correct service: 'dynamodb'. ",
  terminator: (terminator: string) =>
    `Credential should be scoped with a valid terminator: 'aws4_request', not '${terminator}'. `,
  date: (scopeDate: string, dateTime: string) =>
    'Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: ' +
    `'${scopeDate}' != '${dateTime.slice(0, 8)}', from '${dateTime}'.`,
} as const;

function invalidSignature(message: string): ClientFault {
  return new ClientFault('InvalidSignatureException', message);
}

function incompleteSignature(message: string): ClientFault {
  return new ClientFault('IncompleteSignatureException', message);
}
