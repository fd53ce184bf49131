import { ByteReader, MalformedBytes } from './byte-reader.ts';

/** No block that we inflate (index and meta-index of a table) comes near this size. */
const inflatedBytesMax = 256 * 1024 * 1024;

/**
 * Inflates a Snappy block (google/snappy, format_description.txt): the inflated length, then
 * literals and copies of earlier output. Throws MalformedBytes.
 */
export function inflateSnappy(bytes: Buffer): Buffer {
  const reader = new ByteReader(bytes);
  const length = reader.varint();
  if (length > inflatedBytesMax) {
    throw new MalformedBytes('a compressed block claims to be too large');
  }
  const output = Buffer.alloc(length);
  let at = 0;
  while (!reader.isAtEnd) {
    const tag = unsigned(reader, 1);
    if ((tag & 3) === 0) {
      const literal = reader.take(literalBytes(reader, tag));
      if (literal.length > length - at) {
        throw new MalformedBytes('a literal passes the end');
      }
      literal.copy(output, at);
      at += literal.length;
    } else {
      at = copyBack(output, at, readCopy(reader, tag));
    }
  }
  if (at !== length) {
    throw new MalformedBytes('a compressed block is shorter than it claims');
  }
  return output;
}

interface Copy {
  readonly offset: number;
  readonly length: number;
}

function literalBytes(reader: ByteReader, tag: number): number {
  const short = tag >>> 2;
  return short < 60 ? short + 1 : unsigned(reader, short - 59) + 1;
}

function readCopy(reader: ByteReader, tag: number): Copy {
  switch (tag & 3) {
    case 1:
      return {
        offset: ((tag >>> 5) << 8) | unsigned(reader, 1),
        length: ((tag >>> 2) & 7) + 4,
      };
    case 2:
      return { offset: unsigned(reader, 2), length: (tag >>> 2) + 1 };
    default:
      return { offset: unsigned(reader, 4), length: (tag >>> 2) + 1 };
  }
}

/** Byte by byte, since a copy may overlap its own output (that is how runs are written). */
function copyBack(output: Buffer, at: number, { offset, length }: Copy): number {
  if (offset === 0 || offset > at || length > output.length - at) {
    throw new MalformedBytes('a copy reaches outside the block');
  }
  for (let index = 0; index < length; index += 1) {
    output[at + index] = output[at + index - offset] ?? 0;
  }
  return at + length;
}

function unsigned(reader: ByteReader, bytes: number): number {
  return reader.take(bytes).readUIntLE(0, bytes);
}
