/** A CBOR value for comparisons: maps as entries in order, byte strings as hex, tags and floats marked. */
export type CborTree =
  | string
  | bigint
  | boolean
  | null
  | { readonly bytes: string }
  | { readonly float: number }
  | { readonly tag: number; readonly of: CborTree }
  | { readonly map: readonly (readonly [CborTree, CborTree])[]; readonly isIndefinite: boolean }
  | { readonly array: readonly CborTree[]; readonly isIndefinite: boolean };

/** The same for maps and arrays of definite and of indefinite length, also inside byte strings that hold CBOR. */
export function lengthless(trees: readonly CborTree[]): unknown {
  return trees.map((tree) => {
    if (typeof tree !== 'object' || tree === null || 'float' in tree) return tree;
    if ('map' in tree) return { map: tree.map.map((pair) => lengthless(pair)) };
    if ('array' in tree) return { array: lengthless(tree.array) };
    if ('tag' in tree) return { tag: tree.tag, of: lengthless([tree.of]) };
    return { bytes: contentOf(tree.bytes) };
  });
}

function contentOf(hex: string): unknown {
  try {
    return lengthless(cborTrees(Buffer.from(hex, 'hex')));
  } catch {
    return hex;
  }
}

/** A plain reader, written apart from the one that it is to check. All values up to the end. */
export function cborTrees(bytes: Buffer): readonly CborTree[] {
  const trees: CborTree[] = [];
  let at = 0;
  while (at < bytes.length) trees.push(read());
  return trees;

  function read(): CborTree {
    const head = bytes.readUInt8(at++);
    const major = head >> 5;
    const short = head & 31;
    if (head === 0xf4 || head === 0xf5) return head === 0xf5;
    if (head === 0xf6) return null;
    if (head === 0xfb) {
      at += 8;
      return { float: bytes.readDoubleBE(at - 8) };
    }
    if (short === 31 && (major === 4 || major === 5)) return container(major, undefined);
    const argument = take(short);
    switch (major) {
      case 0:
        return argument;
      case 1:
        return -1n - argument;
      case 2:
        return { bytes: slice(argument).toString('hex') };
      case 3:
        return slice(argument).toString('utf8');
      case 6:
        return { tag: Number(argument), of: read() };
      default:
        if (major > 5) throw new Error(`no such head: ${head}`);
        return container(major, Number(argument));
    }
  }

  function take(short: number): bigint {
    if (short < 24) return BigInt(short);
    const length = 1 << (short - 24);
    if (length > 8) throw new Error('no such argument');
    return BigInt(`0x${slice(BigInt(length)).toString('hex')}`);
  }

  function slice(length: bigint): Buffer {
    const end = at + Number(length);
    if (end > bytes.length) throw new Error('the bytes end too early');
    const part = bytes.subarray(at, end);
    at = end;
    return part;
  }

  function container(major: number, count: number | undefined): CborTree {
    const isIndefinite = count === undefined;
    const elements: CborTree[] = [];
    const pairs: (readonly [CborTree, CborTree])[] = [];
    for (let index = 0; index !== count; index++) {
      if (isIndefinite && bytes[at] === 0xff) {
        at++;
        break;
      }
      if (major === 4) elements.push(read());
      else pairs.push([read(), read()]);
    }
    return major === 4 ? { array: elements, isIndefinite } : { map: pairs, isIndefinite };
  }
}
