import type { NodeId } from '../replication/transport/transport.ts';
import type { DiskSpace } from './sim-disk.ts';
import type { Loss } from './sim-links.ts';
import type { Death } from './sim-scheduler.ts';

/** Something that goes wrong, or is put right again: plain data, so a schedule can be printed and edited. */
export type Fault =
  | { readonly kind: 'crash'; readonly node: NodeId; readonly death: Death }
  /** An orderly end, as at an upgrade. */
  | { readonly kind: 'shutdown'; readonly node: NodeId }
  | { readonly kind: 'restart'; readonly node: NodeId }
  | { readonly kind: 'pause'; readonly node: NodeId }
  | { readonly kind: 'resume'; readonly node: NodeId }
  /** All nodes lose power at once. */
  | { readonly kind: 'outage' }
  | { readonly kind: 'partition'; readonly groups: readonly (readonly NodeId[])[] }
  /** One way only. */
  | { readonly kind: 'block'; readonly from: readonly NodeId[]; readonly to: readonly NodeId[] }
  | { readonly kind: 'unblock' }
  | { readonly kind: 'dropConnection'; readonly one: NodeId; readonly other: NodeId }
  | { readonly kind: 'loss'; readonly loss: Loss | undefined }
  | { readonly kind: 'slowness'; readonly factor: number }
  | { readonly kind: 'diskStall'; readonly node: NodeId }
  | { readonly kind: 'diskStallEnd'; readonly node: NodeId }
  | { readonly kind: 'diskSpace'; readonly node: NodeId; readonly space: DiskSpace }
  | { readonly kind: 'diskErrors'; readonly node: NodeId; readonly count: number }
  /** The process is killed and its disk emptied; a restart follows. */
  | { readonly kind: 'wipe'; readonly node: NodeId }
  | { readonly kind: 'flipBit'; readonly node: NodeId }
  | { readonly kind: 'clockJump'; readonly node: NodeId; readonly byMs: number }
  | { readonly kind: 'clockCorrection'; readonly node: NodeId }
  /** For the cluster's own hooks; `draw` decides what exactly, e.g. as a seed. */
  | { readonly kind: 'memberChange'; readonly draw: number }
  | { readonly kind: 'leaderTransfer'; readonly draw: number }
  | { readonly kind: 'coreTrap'; readonly draw: number }
  /** A leader, and some of its clients, are cut off from the other nodes until `unblock`. */
  | { readonly kind: 'leaderCut'; readonly draw: number }
  | { readonly kind: 'healAll' };

export interface TimedFault {
  /** Virtual ms since the world began. */
  readonly atMs: number;
  readonly fault: Fault;
}

/** What a schedule begins with; ends (restart, resume, ...) follow by themselves. */
export type FaultCause =
  | 'crash'
  | 'shutdown'
  | 'pause'
  | 'outage'
  | 'partition'
  | 'block'
  | 'dropConnection'
  | 'loss'
  | 'slowness'
  | 'diskStall'
  | 'diskFull'
  | 'diskErrors'
  | 'wipe'
  | 'flipBit'
  | 'clockJump'
  | 'memberChange'
  | 'leaderTransfer'
  | 'coreTrap'
  | 'leaderCut';

export const defaultFaultWeights: Readonly<Record<FaultCause, number>> = {
  crash: 6,
  shutdown: 2,
  pause: 4,
  outage: 0.5,
  partition: 5,
  block: 4,
  dropConnection: 4,
  loss: 2,
  slowness: 2,
  diskStall: 3,
  diskFull: 2,
  diskErrors: 3,
  wipe: 1,
  flipBit: 1,
  clockJump: 3,
  memberChange: 4,
  leaderTransfer: 4,
  coreTrap: 4,
  leaderCut: 4,
};
