import { type FileHandle, open } from 'node:fs/promises';
import { ByteReader, MalformedBytes } from './byte-reader.ts';
import { crc32c, unmaskCrc } from './crc32c.ts';
import { inflateSnappy } from './snappy.ts';

/** Bytes a table file ends with. */
export const footerBytes = 48;

/** Called before each read of the file, with the bytes that will be read: may wait, or throw. */
export type Pace = (bytes: number) => Promise<void> | undefined;

/**
 * Checks every checksum of a table file (LevelDB doc/table_format.md): data blocks, filter,
 * meta-index, index; and that the data blocks lie side by side from offset 0. Throws MalformedBytes,
 * and what the file system throws.
 *
 * A block is its contents, a byte for the compression (0 none, 1 Snappy) and the masked CRC-32C of
 * both. The footer: handles (offset and size as varints) of meta-index and index, padding to 40
 * bytes, the magic number.
 */
export async function checkTableFile(path: string, bytes: number, pace: Pace): Promise<void> {
  const file = await open(path);
  try {
    const footer = readFooter(await readAt(file, bytes - footerBytes, footerBytes));
    const blocks = indexHandles(await readBlock(file, footer.index));
    assertSideBySide(blocks);
    const filters = filterHandles(await readBlock(file, footer.metaIndex));
    for (const run of runsOf([...blocks, ...filters])) {
      await pace(run.bytes);
      checkBlocks(await readAt(file, run.offset, run.bytes), run);
    }
  } finally {
    await file.close();
  }
}

/** Throws MalformedBytes unless the bytes are the end of a table file. */
export function readFooter(footer: Buffer): { readonly metaIndex: Handle; readonly index: Handle } {
  if (footer.length !== footerBytes || footer.readBigUInt64LE(footerBytes - 8) !== tableMagic) {
    throw new MalformedBytes('it does not end as a table file does');
  }
  const reader = new ByteReader(footer, 0, footerBytes - 8);
  return { metaIndex: readHandle(reader), index: readHandle(reader) };
}

const tableMagic = 0xdb4775248b80fb57n;
const blockTrailerBytes = 5;
/** A block holds one entry at least, and an entry is bounded by the item size and its key. */
const blockBytesMax = 256 * 1024 * 1024;
/** Blocks are read together up to this size, so that a check makes few system calls. */
const runBytesMax = 512 * 1024;

interface Handle {
  readonly offset: number;
  /** Size of the contents; the trailer comes on top. */
  readonly bytes: number;
}

/** Blocks that lie side by side. */
interface Run {
  readonly offset: number;
  bytes: number;
  readonly blocks: Handle[];
}

function readHandle(reader: ByteReader): Handle {
  return { offset: reader.varint(), bytes: reader.varint() };
}

async function readAt(file: FileHandle, offset: number, length: number): Promise<Buffer> {
  if (offset < 0 || length > blockBytesMax) {
    throw new MalformedBytes('a block is larger than any block can be');
  }
  const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(length), 0, length, offset);
  if (bytesRead !== length) {
    throw new MalformedBytes('a block passes the end of the file');
  }
  return buffer;
}

/** The checked and inflated contents of a block. */
async function readBlock(file: FileHandle, handle: Handle): Promise<Buffer> {
  const block = await readAt(file, handle.offset, handle.bytes + blockTrailerBytes);
  checkBlock(block, 0, handle);
  const contents = block.subarray(0, handle.bytes);
  return block[handle.bytes] === 1 ? inflateSnappy(contents) : contents;
}

function checkBlocks(bytes: Buffer, run: Run): void {
  for (const block of run.blocks) {
    checkBlock(bytes, block.offset - run.offset, block);
  }
}

function checkBlock(bytes: Buffer, at: number, handle: Handle): void {
  const checksumAt = at + handle.bytes + 1;
  if (crc32c(bytes, at, checksumAt) !== unmaskCrc(bytes.readUInt32LE(checksumAt))) {
    throw new MalformedBytes(`block at offset ${handle.offset} does not match its checksum`);
  }
}

function indexHandles(index: Buffer): readonly Handle[] {
  return blockEntries(index).map(({ value }) => readHandle(new ByteReader(value)));
}

function filterHandles(metaIndex: Buffer): readonly Handle[] {
  return blockEntries(metaIndex)
    .filter(({ key }) => key.toString('latin1').startsWith('filter.'))
    .map(({ value }) => readHandle(new ByteReader(value)));
}

interface BlockEntry {
  readonly key: Buffer;
  readonly value: Buffer;
}

/**
 * Entries of a block: varints of shared key bytes, further key bytes and value bytes, then those
 * bytes. After the entries come the restart points and, in the last 4 bytes, their count.
 */
function blockEntries(block: Buffer): readonly BlockEntry[] {
  if (block.length < 4) {
    throw new MalformedBytes('an index block is too short');
  }
  const restarts = block.readUInt32LE(block.length - 4);
  const reader = new ByteReader(block, 0, block.length - 4 * (restarts + 1));
  const entries: BlockEntry[] = [];
  let key: Buffer = Buffer.alloc(0);
  while (!reader.isAtEnd) {
    const shared = reader.varint();
    const further = reader.varint();
    const valueBytes = reader.varint();
    if (shared > key.length) {
      throw new MalformedBytes('an index key has no beginning');
    }
    key = Buffer.concat([key.subarray(0, shared), reader.take(further)]);
    entries.push({ key, value: reader.take(valueBytes) });
  }
  return entries;
}

function assertSideBySide(blocks: readonly Handle[]): void {
  let end = 0;
  for (const { offset, bytes } of blocks) {
    if (offset !== end) {
      throw new MalformedBytes(`no block begins at offset ${end}`);
    }
    end = offset + bytes + blockTrailerBytes;
  }
}

function runsOf(blocks: readonly Handle[]): readonly Run[] {
  const runs: Run[] = [];
  for (const block of blocks) {
    const bytes = block.bytes + blockTrailerBytes;
    const run = runs.at(-1);
    if (
      run !== undefined &&
      run.offset + run.bytes === block.offset &&
      run.bytes + bytes <= runBytesMax
    ) {
      run.bytes += bytes;
      run.blocks.push(block);
    } else {
      runs.push({ offset: block.offset, bytes, blocks: [block] });
    }
  }
  return runs;
}
