import { ByteReader, MalformedBytes } from './byte-reader.ts';

/** The state of a LevelDB folder that its manifest describes. */
export interface Manifest {
  /** Size in bytes of each live table file, by number. */
  readonly tables: ReadonlyMap<number, number>;
  /** Logs with this number or a higher one are live; 0 while there was none yet. */
  readonly logNumber: number;
  /** One older log that is live too; 0 for none. */
  readonly prevLogNumber: number;
}

/**
 * Applies a manifest's version edits in order (LevelDB db/version_edit.cc). Throws MalformedBytes.
 *
 * An edit is a row of fields, each a varint tag and its values:
 * 1 comparator name, 2 log number, 3 next file number, 4 last sequence, 5 compaction pointer (level,
 * key), 6 deleted file (level, number), 7 new file (level, number, size, smallest and largest key),
 * 9 previous log number.
 */
export function readManifest(edits: readonly Buffer[]): Manifest {
  const state: State = { tables: new Map(), logNumber: 0, prevLogNumber: 0 };
  for (const edit of edits) {
    applyEdit(state, new ByteReader(edit));
  }
  if (edits.length === 0) {
    throw new MalformedBytes('it holds no record');
  }
  return state;
}

interface State {
  readonly tables: Map<number, number>;
  logNumber: number;
  prevLogNumber: number;
}

/** A file may leave one level and enter another in the same edit, so additions are applied last. */
function applyEdit(state: State, reader: ByteReader): void {
  const added: (readonly [number, number])[] = [];
  while (!reader.isAtEnd) {
    const tag = reader.varint();
    switch (tag) {
      case 1:
        reader.lengthPrefixed();
        break;
      case 2:
        state.logNumber = reader.varint();
        break;
      case 3:
      case 4:
        reader.varint();
        break;
      case 5:
        reader.varint();
        reader.lengthPrefixed();
        break;
      case 6:
        reader.varint();
        state.tables.delete(reader.varint());
        break;
      case 7:
        added.push(newFile(reader));
        break;
      case 9:
        state.prevLogNumber = reader.varint();
        break;
      default:
        throw new MalformedBytes(`unknown field ${tag}`);
    }
  }
  for (const [number, bytes] of added) {
    state.tables.set(number, bytes);
  }
}

function newFile(reader: ByteReader): readonly [number, number] {
  reader.varint();
  const number = reader.varint();
  const bytes = reader.varint();
  reader.lengthPrefixed();
  reader.lengthPrefixed();
  return [number, bytes];
}
