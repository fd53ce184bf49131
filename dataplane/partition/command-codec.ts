import type { Condition, Update } from '../expression/ast.ts';
import type { Item } from '../item/attribute-value.ts';
import type { PutCommand, WriteCommand } from './command.ts';
import type { TransactionCommand } from './transaction.ts';

/**
 * A command as bytes: on its way from a router to the leader of a partition, and at rest in the mark
 * of a transaction. Big-endian.
 *
 * | offset | size | what |
 * |---|---|---|
 * | 0 | 1 | format, 1 |
 * | 1 | 1 | kind: 1 put, 2 update, 3 delete, 4 check |
 * | 2 | 4 | n, length of the head |
 * | 6 | n | head: UTF-8 JSON of a list, see below |
 * | 6 + n | | put: the item, UTF-8 JSON; else nothing |
 *
 * Heads: put `[key, condition, itemBytes]`, update `[key, condition, update, keepsAbsent]`, delete
 * `[key, condition]` or `[key, condition, true]` by time to live, check `[key, condition]`; null for
 * what is undefined. JSON, since it holds any string and any name of an
 * attribute, `__proto__` among them, and the runtime reads nothing faster.
 */
const FORMAT = 1;
const HEAD_OFFSET = 6;
const kinds = { put: 1, update: 2, delete: 3, check: 4 } as const;

/** The item of a put is turned into JSON once, here, unless the command has it already. */
export function encodeCommand(command: TransactionCommand): Buffer {
  const { kind } = command;
  const head = JSON.stringify(headOf(command));
  const item =
    kind === 'put' ? (command.json ?? Buffer.from(JSON.stringify(command.item))) : NOTHING;
  const headBytes = Buffer.byteLength(head);
  const encoded = Buffer.allocUnsafe(HEAD_OFFSET + headBytes + item.length);
  encoded[0] = FORMAT;
  encoded[1] = kinds[kind];
  encoded.writeUInt32BE(headBytes, 2);
  encoded.write(head, HEAD_OFFSET);
  encoded.set(item, HEAD_OFFSET + headBytes);
  return encoded;
}

/**
 * The command; the item of a put is parsed when it is first looked at. Holds on to `encoded`.
 * @throws RangeError when the bytes are no command
 */
export function decodeCommand(encoded: Uint8Array): TransactionCommand {
  const bytes = Buffer.from(encoded.buffer, encoded.byteOffset, encoded.byteLength);
  if (bytes.length < HEAD_OFFSET || bytes[0] !== FORMAT) {
    throw new RangeError('A command has an unknown format.');
  }
  const headEnd = HEAD_OFFSET + bytes.readUInt32BE(2);
  if (headEnd > bytes.length) throw new RangeError('A command is cut off.');
  // Written by `encodeCommand`, perhaps in another process of the cluster, from a validated command.
  const head: unknown = JSON.parse(bytes.toString('utf8', HEAD_OFFSET, headEnd));
  switch (bytes[1]) {
    case kinds.put:
      return new WirePut(head as PutHead, bytes.subarray(headEnd));
    case kinds.update: {
      const [key, condition, update, keepsAbsent] = head as UpdateHead;
      const common = { kind: 'update', key, condition: condition ?? undefined, update } as const;
      return keepsAbsent === null ? common : { ...common, keepsAbsent };
    }
    case kinds.delete: {
      const [key, condition, byTimeToLive] = head as DeleteHead;
      const common = { kind: 'delete', key, condition: condition ?? undefined } as const;
      return byTimeToLive === true ? { ...common, byTimeToLive } : common;
    }
    case kinds.check: {
      const [key, condition] = head as CheckHead;
      return { kind: 'check', key, condition };
    }
    default:
      throw new RangeError('A command has an unknown kind.');
  }
}

/** The same of a single write. @throws RangeError also when it is of another kind */
export function decodeWriteCommand(encoded: Uint8Array): WriteCommand {
  const command = decodeCommand(encoded);
  if (command.kind === 'check') throw new RangeError('A check is no write.');
  return command;
}

type PutHead = readonly [key: Item, condition: Condition | null, itemBytes: number];
type UpdateHead = readonly [
  key: Item,
  condition: Condition | null,
  update: Update,
  keepsAbsent: boolean | null,
];
type DeleteHead = readonly [key: Item, condition: Condition | null, byTimeToLive?: true];
type CheckHead = readonly [key: Item, condition: Condition];

function headOf(command: TransactionCommand): PutHead | UpdateHead | DeleteHead | CheckHead {
  if (command.kind === 'check') return [command.key, command.condition];
  const { key, condition = null } = command;
  switch (command.kind) {
    case 'put':
      return [key, condition, command.itemBytes];
    case 'update':
      return [key, condition, command.update, command.keepsAbsent ?? null];
    case 'delete':
      return command.byTimeToLive === true ? [key, condition, true] : [key, condition];
  }
}

/** A put whose item stays bytes until someone looks into it. */
class WirePut implements PutCommand {
  readonly kind = 'put';
  readonly key: Item;
  readonly condition: Condition | undefined;
  readonly itemBytes: number;
  readonly json: Buffer;
  #item: Item | undefined;

  constructor([key, condition, itemBytes]: PutHead, json: Buffer) {
    this.key = key;
    this.condition = condition ?? undefined;
    this.itemBytes = itemBytes;
    this.json = json;
  }

  get item(): Item {
    this.#item ??= JSON.parse(this.json.toString()) as Item; // as above: of a validated command
    return this.#item;
  }
}

const NOTHING = Buffer.alloc(0);
