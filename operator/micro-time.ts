/** A time as Leases and Events want it (`MicroTime`); without the microseconds they are refused. */
export function microTime(ms: number): string {
  return new Date(ms).toISOString().replace('Z', '000Z');
}
