/** Digits of a sequence on the wire, behind a 1: so numbers are as long as the service's (21 to 40). */
const DIGITS = 20;

/** The SequenceNumber of a sequence: texts, and numbers, have the order of the sequences. */
export function sequenceNumberOf(sequence: number): string {
  return `1${`${sequence}`.padStart(DIGITS, '0')}`;
}

/** Undefined for what `sequenceNumberOf` never returns. */
export function sequenceOf(sequenceNumber: string): number | undefined {
  if (!/^1[0-9]{20}$/.test(sequenceNumber)) return undefined;
  const sequence = Number(sequenceNumber.slice(1));
  return Number.isSafeInteger(sequence) ? sequence : undefined;
}
