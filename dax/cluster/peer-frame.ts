import { Packr } from 'msgpackr/pack';
import type { Invalidation, InvalidKey } from './coherence.ts';
import { FRAME_BYTES_MAX } from './peer-network.ts';

/** What a node sends to a peer that it dialled, and what comes back (`welcome`, `ack`). */
export type PeerFrame =
  | {
      readonly kind: 'hello';
      readonly cluster: string;
      readonly nodeId: number;
      /** The incarnation that is dialled. */
      readonly to: string;
      readonly epoch: number;
    }
  | { readonly kind: 'welcome'; readonly incarnation: string; readonly epoch: number }
  | { readonly kind: 'invalidate'; readonly seq: number; readonly message: Invalidation }
  /** Drop everything: invalidations were lost for want of room. */
  | { readonly kind: 'dropAll'; readonly seq: number }
  | ({ readonly kind: 'l2'; readonly seq: number } & L2State)
  | { readonly kind: 'ping'; readonly epoch: number }
  /** Everything up to `seq` of this channel is handled. */
  | { readonly kind: 'ack'; readonly seq: number; readonly epoch: number };

/** What a view says of L2. */
export interface L2State {
  readonly lineage: string;
  /** Of the view. */
  readonly epoch: number;
  readonly isShared: boolean;
  readonly generation: string;
  /** Of the view that brought the generation. */
  readonly generationEpoch: number;
}

/** A frame that the protocol does not have: its channel is closed. */
export class PeerFrameError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'PeerFrameError';
  }
}

/** Version of the frames; a peer of another one is not talked to. */
const VERSION = 1;
const kinds = {
  hello: 1,
  welcome: 2,
  invalidate: 3,
  dropAll: 4,
  l2: 5,
  ping: 6,
  ack: 7,
} as const;
const KEYS_MAX = 1_000;
const TEXT_MAX = 4_096;

/** What the decoder builds of a peer's bytes is checked field by field. The sub-path has no native half. */
const packr = new Packr({ useRecords: false, copyBuffers: true });

/**
 * Frames are MessagePack arrays: kind, then the fields in the order below.
 *
 * | kind           | fields                                                               |
 * | -------------- | -------------------------------------------------------------------- |
 * | 1 `hello`      | version, cluster, node id, to, epoch                                 |
 * | 2 `welcome`    | version, incarnation, epoch                                          |
 * | 3 `invalidate` | seq, is uncertain, table id, then key, hash length, ... or null: all |
 * | 4 `dropAll`    | seq                                                                  |
 * | 5 `l2`         | seq, lineage, epoch, is shared, generation, its epoch                |
 * | 6 `ping`       | epoch                                                                |
 * | 7 `ack`        | seq, epoch                                                           |
 */
export function encodeFrame(frame: PeerFrame): Buffer {
  return packr.pack(fieldsOf(frame));
}

/** An invalidation that no frame can hold becomes one of the whole table. */
export function encodeInvalidation(seq: number, message: Invalidation): Buffer {
  const isWide = message.keys !== 'all' && message.keys.length > KEYS_MAX;
  const frame = encodeFrame({
    kind: 'invalidate',
    seq,
    message: isWide ? whole(message) : message,
  });
  return frame.length <= FRAME_BYTES_MAX
    ? frame
    : encodeFrame({ kind: 'invalidate', seq, message: whole(message) });
}

function whole(message: Invalidation): Invalidation {
  return { ...message, keys: 'all' };
}

function fieldsOf(frame: PeerFrame): unknown[] {
  const kind = kinds[frame.kind];
  switch (frame.kind) {
    case 'hello': {
      const { cluster, nodeId, to, epoch } = frame;
      return [kind, VERSION, cluster, nodeId, to, epoch];
    }
    case 'welcome':
      return [kind, VERSION, frame.incarnation, frame.epoch];
    case 'invalidate': {
      const { tableId, keys, isUncertain } = frame.message;
      const fields: unknown[] = [kind, frame.seq, isUncertain, tableId];
      if (keys === 'all') fields.push(null);
      else for (const { key, hashLength } of keys) fields.push(key, hashLength);
      return fields;
    }
    case 'dropAll':
      return [kind, frame.seq];
    case 'l2': {
      const { seq, lineage, epoch, isShared, generation, generationEpoch } = frame;
      return [kind, seq, lineage, epoch, isShared, generation, generationEpoch];
    }
    case 'ping':
      return [kind, frame.epoch];
    case 'ack':
      return [kind, frame.seq, frame.epoch];
    default:
      return frame satisfies never;
  }
}

/** @throws PeerFrameError */
export function decodeFrame(bytes: Buffer): PeerFrame {
  let fields: unknown;
  try {
    fields = packr.unpack(bytes);
  } catch (error) {
    // Whatever the decoder dislikes in bytes of a peer, it is their fault.
    throw new PeerFrameError(error instanceof Error ? error.message : String(error));
  }
  if (!Array.isArray(fields)) throw new PeerFrameError('a frame is no array');
  return frameOf(new Fields(fields));
}

function frameOf(fields: Fields): PeerFrame {
  const kind = fields.count();
  switch (kind) {
    case kinds.hello: {
      checkVersion(fields);
      const [cluster, nodeId] = [fields.text(), fields.count()];
      return { kind: 'hello', cluster, nodeId, to: fields.text(), epoch: fields.count() };
    }
    case kinds.welcome:
      checkVersion(fields);
      return { kind: 'welcome', incarnation: fields.text(), epoch: fields.count() };
    case kinds.invalidate:
      return { kind: 'invalidate', seq: fields.count(), message: invalidationOf(fields) };
    case kinds.dropAll:
      return { kind: 'dropAll', seq: fields.count() };
    case kinds.l2:
      return {
        kind: 'l2',
        seq: fields.count(),
        lineage: fields.text(),
        epoch: fields.count(),
        isShared: fields.truth(),
        generation: fields.text(),
        generationEpoch: fields.count(),
      };
    case kinds.ping:
      return { kind: 'ping', epoch: fields.count() };
    case kinds.ack:
      return { kind: 'ack', seq: fields.count(), epoch: fields.count() };
    default:
      throw new PeerFrameError(`there is no frame of kind ${kind}`);
  }
}

function invalidationOf(fields: Fields): Invalidation {
  const isUncertain = fields.truth();
  const tableId = fields.text();
  if (fields.isNull()) return { tableId, keys: 'all', isUncertain };
  const keys: InvalidKey[] = [];
  while (fields.hasMore) {
    if (keys.length === KEYS_MAX) throw new PeerFrameError('an invalidation of too many keys');
    const [key, hashLength] = [fields.text(), fields.count()];
    if (hashLength > key.length) throw new PeerFrameError('a hash part is longer than its key');
    keys.push({ key, hashLength });
  }
  return { tableId, keys, isUncertain };
}

function checkVersion(fields: Fields): void {
  const version = fields.count();
  if (version !== VERSION) throw new PeerFrameError(`the peer speaks version ${version}`);
}

/** The fields of a frame, one after the other, each of its type. */
class Fields {
  readonly #fields: readonly unknown[];
  #index = 0;

  constructor(fields: readonly unknown[]) {
    this.#fields = fields;
  }

  get hasMore(): boolean {
    return this.#index < this.#fields.length;
  }

  count(): number {
    const field = this.#next();
    if (typeof field === 'number' && Number.isSafeInteger(field) && field >= 0) return field;
    throw new PeerFrameError('a field of a frame is no count');
  }

  text(): string {
    const field = this.#next();
    if (typeof field === 'string' && field.length <= TEXT_MAX) return field;
    throw new PeerFrameError('a field of a frame is no text, or too long a one');
  }

  truth(): boolean {
    const field = this.#next();
    if (typeof field === 'boolean') return field;
    throw new PeerFrameError('a field of a frame is neither true nor false');
  }

  isNull(): boolean {
    return this.#fields[this.#index] === null;
  }

  #next(): unknown {
    const field = this.#fields[this.#index];
    this.#index += 1;
    return field;
  }
}
