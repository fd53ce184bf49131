import { readFile } from 'node:fs/promises';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { beforeAll, expect, it } from 'vitest';
import { Cluster } from './cluster.fixture.ts';
import { encodeCommand } from './command-encoder.ts';
import { type CoreCommand, CoreTrapped, type NewCore } from './consensus-core.ts';
import { FieldWriter, MalformedMessage } from './field-bytes.ts';
import { compileModule, WasmInstance, type WasmModule } from './instance.ts';
import { readMessageHead } from './message-head.ts';
import { decodeRecords } from './record-decoder.ts';
import { configOf, newDisk } from './replica.fixture.ts';
import { loadCore } from './wasm-core.ts';

let newCore: NewCore;
let module: WasmModule;
beforeAll(async () => {
  newCore = await loadCore();
  const packed = await readFile(new URL('./raft.wasm.gz', import.meta.url));
  module = await compileModule(gunzipSync(packed));
});

const seed = Number(process.env.TRESTLE_SEED ?? Date.now() % 1_000_000);

function create(group: number, voters: readonly number[] = [1]): CoreCommand {
  return { op: 'create', group, config: configOf(1, newDisk(voters)) };
}

/** A heartbeat of replica 2 that tells a commit index which the log does not reach. */
function impossibleHeartbeat(): Uint8Array {
  const writer = new FieldWriter();
  writer.u8(8);
  for (const zero of [0, 0, 0]) writer.u8(zero);
  writer.u32(0);
  for (const field of [2, 1, 5, 0, 0, 999, 0]) writer.u64(field);
  return writer.written().slice();
}

it('panic: the group is gone with one record, and the others go on', () => {
  const core = newCore(() => 4);
  core.send([create(1, [1, 2, 3]), create(2)]);
  const records = core.send([
    { op: 'step', group: 1, message: impossibleHeartbeat() },
    { op: 'status', group: 1 },
    { op: 'campaign', group: 2 },
    { op: 'tickAll' },
  ]);
  expect(records[0]).toEqual({
    kind: 'failed',
    group: 1,
    message:
      'tocommit(999) is out of range [lastIndex(1)]. Was the raft log corrupted, truncated, or lost?',
  });
  expect(records[1]).toEqual({ kind: 'error', group: 1, command: 1, message: 'no such group' });
  expect(records.slice(2).map(({ group }) => group)).not.toContain(1);
  expect(records).toContainEqual(expect.objectContaining({ kind: 'soft', group: 2 }));
  expect(core.send([create(1), { op: 'status', group: 1 }])).toMatchObject([{ kind: 'status' }]);
});

it('trap: after anything is thrown through the instance it is dead, and says so at each call', () => {
  let isBroken = false;
  const core = newCore(() => {
    if (isBroken) throw new Error('no more numbers');
    return 4;
  });
  core.send([create(1)]);
  isBroken = true;
  // A new group draws its election time-out.
  expect(() => core.send([create(2)])).toThrow(CoreTrapped);
  isBroken = false;
  expect(() => core.send([create(3)])).toThrow('no more numbers');
  expect(() => core.send([])).toThrow(CoreTrapped);
});

it('closed: a closed core runs nothing and holds no memory', () => {
  const core = newCore(() => 4);
  expect(core.memoryBytes).toBeGreaterThan(2 ** 20);
  core.close();
  expect(core.memoryBytes).toBe(0);
  expect(() => core.send([])).toThrow(CoreTrapped);
});

it('commands: a number that does not fit its field is refused before anything runs', () => {
  const core = newCore(() => 4);
  const bad: CoreCommand = { op: 'propose', group: 1, token: 2 ** 32, payloadBytes: 0 };
  expect(() => core.send([create(1), bad])).toThrow(RangeError);
  expect(core.send([{ op: 'status', group: 1 }])).toMatchObject([{ message: 'no such group' }]);
});

it('commands: refused ones are told by their place in the list', () => {
  const core = newCore(() => 4);
  const records = core.send([
    create(1),
    create(1),
    { op: 'propose', group: 1, token: 0, payloadBytes: 0 },
    { op: 'appendAck', group: 1, seq: 5 },
    { op: 'applyAck', group: 1, seq: 5 },
    { op: 'readIndex', group: 1, context: 7 },
    { op: 'destroy', group: 1 },
    { op: 'tick', group: 1 },
  ]);
  expect(
    records.map((record) => record.kind === 'error' && [record.command, record.message]),
  ).toEqual([
    [1, 'group exists'],
    [2, 'token is 0'],
    [3, 'acknowledged what was not asked for'],
    [4, 'acknowledged what was not asked for'],
    [5, 'no leader'],
    [7, 'no such group'],
  ]);
});

it(`commands: bytes that are none give error records, never a trap (seed ${seed})`, () => {
  const writer = new FieldWriter();
  const list: CoreCommand[] = [
    create(1, [1, 2, 3]),
    { op: 'propose', group: 1, token: 1, payloadBytes: 2 },
    { op: 'offerSnapshot', group: 1, index: 1, term: 1, conf: newDisk([1]).conf },
    { op: 'status', group: 1 },
  ];
  for (const command of list) encodeCommand(writer, command);
  const whole = writer.written().slice();
  const cuts = fc.nat({ max: whole.length - 1 }).map((length) => whole.slice(0, length));
  const flips = fc
    .tuple(fc.nat({ max: whole.length - 1 }), fc.integer({ min: 1, max: 255 }))
    .map(([at, mask]) => whole.map((byte, i) => (i === at ? byte ^ mask : byte)));
  const noise = fc.uint8Array({ maxLength: 200 });
  const instance = new WasmInstance(module, () => 4);
  fc.assert(
    fc.property(fc.oneof(cuts, flips, noise), (bytes) => {
      decodeRecords(instance.run(bytes));
    }),
    { seed, numRuns: 1000 },
  );
  expect(decodeRecords(instance.run(new Uint8Array([6, 1, 0, 0, 0, 255, 255, 255, 255])))).toEqual([
    { kind: 'error', group: 1, command: 0, message: 'malformed command' },
  ]);
});

it(`messages: cut and random ones are refused by the core and by the head alike (seed ${seed})`, () => {
  const cluster = new Cluster(newCore, 91);
  const leader = cluster.elect();
  cluster.propose(leader, 3);
  cluster.settle();
  const sent = leader.of('msg').filter(({ to }) => to === 2);
  const whole = fc.constantFrom(...sent.map(({ message }) => message));
  const cut = whole.chain((message) =>
    fc.nat({ max: message.length - 1 }).map((length) => message.slice(0, length)),
  );
  const longer = whole.map((message) => new Uint8Array([...message, 0]));
  const follower = cluster.replica(2);
  const before = follower.status();
  fc.assert(
    fc.property(fc.oneof(cut, longer, fc.uint8Array({ maxLength: 300 })), (message) => {
      expect(() => readMessageHead(message)).toThrow(MalformedMessage);
      expect(follower.do({ op: 'step', message })).toEqual([
        { kind: 'error', group: 1, command: 0, message: 'malformed message' },
      ]);
    }),
    { seed, numRuns: 1000 },
  );
  expect(follower.status()).toEqual(before);
});

it(`messages: a flipped bit is refused, believed or ends the group, never the instance (seed ${seed})`, () => {
  const cluster = new Cluster(newCore, 92);
  const leader = cluster.elect();
  cluster.propose(leader, 3);
  cluster.settle();
  const sent = leader.of('msg').filter(({ to }) => to === 2);
  const instance = new WasmInstance(module, () => 4);
  const writer = new FieldWriter();
  let group = 0;
  fc.assert(
    fc.property(fc.constantFrom(...sent), fc.nat(), (record, at) => {
      const bit = at % (record.message.length * 8);
      const message = record.message.map((byte, i) =>
        i === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte,
      );
      group += 1;
      writer.reset();
      const config = configOf(2, newDisk([1, 2, 3]));
      for (const command of [
        { op: 'create', group, config },
        { op: 'step', group, message },
        { op: 'destroy', group },
      ] as const) {
        encodeCommand(writer, command);
      }
      decodeRecords(instance.run(writer.written()));
    }),
    { seed, numRuns: 1000 },
  );
});

it('messages: those for another replica, and those no replica sends, are refused', () => {
  const cluster = new Cluster(newCore, 93);
  const [message] = cluster
    .elect()
    .of('msg')
    .flatMap((record) => (record.to === 2 ? [record.message] : []));
  if (message === undefined) throw new Error('nothing was sent');
  expect(cluster.replica(3).do({ op: 'step', message })).toMatchObject([
    { message: 'message for another replica' },
  ]);
  // A proposal and a transfer of leadership.
  for (const type of [2, 13]) {
    const forged = message.slice();
    forged[0] = type;
    expect(cluster.replica(2).do({ op: 'step', message: forged })).toMatchObject([
      { message: 'malformed message' },
    ]);
    expect(() => readMessageHead(forged)).toThrow(MalformedMessage);
  }
});
