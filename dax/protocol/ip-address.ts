/**
 * The bytes of an IP address, as `endpoints` has them: 4 or 16. Zones (`%eth0`) are not taken.
 * @throws TypeError for anything else: addresses are the cluster's own
 */
export function addressBytes(address: string): Buffer {
  const bytes = address.includes(':') ? version6(address) : version4(address);
  if (bytes === undefined) throw new TypeError('a node has no IP address');
  return Buffer.from(bytes);
}

const GROUPS_COUNT = 8;

function version4(address: string): number[] | undefined {
  const parts = address.split('.');
  if (parts.length !== 4 || !parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part))) {
    return undefined;
  }
  const bytes = parts.map(Number);
  return bytes.every((byte) => byte <= 0xff) ? bytes : undefined;
}

function version6(address: string): number[] | undefined {
  const [before, after, more] = withoutVersion4(address).split('::');
  if (before === undefined || more !== undefined) return undefined;
  const head = groupsOf(before);
  const tail = after === undefined ? [] : groupsOf(after);
  if (head === undefined || tail === undefined) return undefined;
  const zerosCount = GROUPS_COUNT - head.length - tail.length;
  if (after === undefined ? zerosCount !== 0 : zerosCount < 1) return undefined;
  const groups = [...head, ...new Array<number>(zerosCount).fill(0), ...tail];
  return groups.flatMap((group) => [group >> 8, group & 0xff]);
}

/** The last two groups may be written as an address of version 4. */
function withoutVersion4(address: string): string {
  const start = address.lastIndexOf(':') + 1;
  const bytes = version4(address.slice(start));
  if (bytes === undefined) return address;
  const digits = Buffer.from(bytes).toString('hex');
  return `${address.slice(0, start)}${digits.slice(0, 4)}:${digits.slice(4)}`;
}

function groupsOf(text: string): number[] | undefined {
  if (text === '') return [];
  const parts = text.split(':');
  return parts.every((part) => /^[0-9a-fA-F]{1,4}$/.test(part))
    ? parts.map((part) => Number.parseInt(part, 16))
    : undefined;
}
