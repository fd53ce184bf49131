import { describe, expect, it } from 'vitest';
import {
  type ConsensusCore,
  type CoreCommand,
  type CoreRecord,
  CoreTrapped,
} from '../replication/core/consensus-core.ts';
import { CorePool } from './core-pool.ts';

/** Remembers what it was told, and draws a number with every call. */
class FakeCore implements ConsensusCore {
  readonly memoryBytes = 1;
  readonly sent: (readonly CoreCommand[])[] = [];
  readonly drawn: number[] = [];
  readonly #random: () => number;
  constructor(random: () => number) {
    this.#random = random;
    random();
  }
  send(commands: readonly CoreCommand[]): readonly CoreRecord[] {
    this.sent.push(commands);
    this.drawn.push(this.#random());
    return [];
  }
  close(): void {}
}

const tick: CoreCommand = { op: 'tick', group: 7 };
const step: CoreCommand = { op: 'step', group: 7, message: Buffer.alloc(0) };
const create: CoreCommand = {
  op: 'create',
  group: 7,
  config: {
    replicaId: 1,
    electionTicks: 10,
    heartbeatTicks: 5,
    messageEntriesMax: 1,
    inflightMessagesMax: 1,
    uncommittedEntriesMax: 1,
    applied: 0,
    hardState: { term: 0, vote: 0, commit: 0 },
    logStart: { index: 0, term: 0 },
    entries: [],
    conf: { voters: [1], learners: [], votersOutgoing: [], learnersNext: [], autoLeave: false },
  },
};

function pool(): { readonly cores: CorePool; readonly made: FakeCore[] } {
  const made: FakeCore[] = [];
  const cores = new CorePool((random) => {
    const core = new FakeCore(random);
    made.push(core);
    return core;
  });
  return { cores, made };
}

describe('lent cores', () => {
  it('are lent again without their groups, with the numbers of the borrower alone', () => {
    const { cores, made } = pool();
    const first = cores.newCoreOf('n1')(() => 1);
    first.send([create]);
    const again = cores.newCoreOf('n1')(() => 2);
    again.send([tick]);
    expect(made).toHaveLength(1);
    expect(made[0]?.sent[1]).toEqual([{ op: 'destroy', group: 7 }]);
    expect(made[0]?.drawn.at(-1)).toBe(2);
    expect(() => first.send([tick])).toThrow(CoreTrapped);
  });

  it('are each of one node at a time', () => {
    const { cores, made } = pool();
    cores.newCoreOf('n1')(() => 1);
    cores.newCoreOf('n2')(() => 1);
    expect(made).toHaveLength(2);
  });

  it('die when told to, and are lent again all the same', () => {
    const { cores, made } = pool();
    const core = cores.newCoreOf('n1')(() => 1);
    cores.trap('n1');
    expect(() => core.send([tick])).toThrow(CoreTrapped);
    expect(() => core.send([tick])).toThrow(CoreTrapped);
    cores
      .newCoreOf('n1')(() => 1)
      .send([tick]);
    expect(made).toHaveLength(1);
  });

  it('say that they are too large when told to', () => {
    const { cores } = pool();
    const core = cores.newCoreOf('n1')(() => 1);
    cores.swell('n1');
    expect(core.memoryBytes).toBeGreaterThan(2 ** 32);
    expect(cores.newCoreOf('n1')(() => 1).memoryBytes).toBe(1);
  });

  it('lose a group that panics, twice in a run at most', () => {
    const { cores } = pool();
    const core = cores.newCoreOf('n1')(() => 1);
    const panics = () => {
      cores.panic('n1');
      core.send([create]);
      return core.send([tick, step]).map(({ kind }) => kind);
    };
    expect([panics(), panics(), panics()]).toEqual([['failed'], ['failed'], []]);
  });
});
