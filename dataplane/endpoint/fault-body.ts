import { type ClientFault, faultNamespaces, RelayedFault } from '../errors/client-fault.ts';
import { StatementConditionFault } from '../errors/partiql.ts';

/** Faults whose text stands in `Message`; in all others it is `message` (dynamodb.md section 4). */
const CAPITAL_MESSAGE: ReadonlySet<string> = new Set([
  'AccessDeniedException',
  'IdempotentParameterMismatchException',
  'SerializationException',
  'TransactionCanceledException',
  'TransactionInProgressException',
]);

/** The error body of a fault: `{"__type": "<namespace>#<Name>", "message": "...", ...}` as UTF-8. */
export function faultBody(fault: ClientFault): Buffer {
  const body: Record<string, unknown> = {
    __type:
      fault instanceof RelayedFault
        ? fault.wireType
        : `${faultNamespaces[fault.type]}#${fault.type}`,
  };
  if (fault.message !== undefined) {
    const isCapital = CAPITAL_MESSAGE.has(fault.type) || fault instanceof StatementConditionFault;
    body[isCapital ? 'Message' : 'message'] = fault.message;
  }
  return Buffer.from(JSON.stringify(fault.members ? { ...body, ...fault.members } : body), 'utf8');
}

/** Every modelled fault of a client is 400, never 403, 404 or 409. */
export function faultStatus(fault: ClientFault): number {
  if (fault instanceof RelayedFault) return fault.status;
  return fault.type === 'InternalServerError' ? 500 : 400;
}
