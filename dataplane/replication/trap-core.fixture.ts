import { type ConsensusCore, CoreTrapped } from './core/consensus-core.ts';

/** A core that dies, or says it is large, when told to. */
export class TrapCore implements ConsensusCore {
  readonly #inner: ConsensusCore;
  isDead = false;
  extraBytes = 0;
  /** The group that was made last panics in the next call. */
  panicsNext = false;
  #latest = 0;

  constructor(inner: ConsensusCore) {
    this.#inner = inner;
  }

  get memoryBytes(): number {
    return this.#inner.memoryBytes + this.extraBytes;
  }

  send(...of: Parameters<ConsensusCore['send']>): ReturnType<ConsensusCore['send']> {
    if (this.isDead) throw new CoreTrapped('told to die');
    const [commands] = of;
    for (const command of commands) if (command.op === 'create') this.#latest = command.group;
    if (!this.panicsNext) return this.#inner.send(commands);
    this.panicsNext = false;
    const group = this.#latest;
    const records = this.#inner.send([...commands, { op: 'destroy', group }]);
    return [...records, { kind: 'failed', group, message: 'told to panic' }];
  }

  close(): void {
    this.#inner.close();
  }
}
