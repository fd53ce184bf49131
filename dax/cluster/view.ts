/** Who belongs to a cluster: the one record that all nodes agree by. */
export interface View {
  /** Random, of the record's first version: differs if the registry was emptied in between. */
  readonly lineage: string;
  /** One more with each change. */
  readonly epoch: number;
  /** The last epoch that took away a member that may still be giving out cached values; at most `epoch`. */
  readonly exclusionEpoch: number;
  /** By node id. */
  readonly members: ReadonlyMap<number, ViewMember>;
  readonly l2: L2Generation;
}

export interface ViewMember {
  readonly nodeId: number;
  /** Random; never used again once it is out of the view. */
  readonly incarnation: string;
  readonly name: string;
  readonly zone: string;
  readonly address: string;
  readonly port: number;
  readonly tlsPort: number;
  readonly peerPort: number;
  readonly isDraining: boolean;
  /** Its writes change L2. Of one that does not reach L2, others would find old values there. */
  readonly isL2Reachable: boolean;
}

export interface L2Generation {
  readonly generation: string;
  /** Of the view that brought it. */
  readonly epoch: number;
}

/** A bound on what is read from the registry. */
export const MEMBERS_MAX = 64;

/** The view before anybody has joined. */
export function emptyView(lineage: string, generation: string): View {
  return {
    lineage,
    epoch: 0,
    exclusionEpoch: 0,
    members: new Map(),
    l2: { generation, epoch: 0 },
  };
}

/** With one more member. Another incarnation in its place counts as excluded. */
export function withMember(view: View, member: ViewMember): View {
  const former = view.members.get(member.nodeId);
  const members = new Map(view.members).set(member.nodeId, member);
  const isExclusion = former !== undefined && former.incarnation !== member.incarnation;
  return next(view, { members: inOrder(members) }, isExclusion);
}

/**
 * Without these incarnations; undefined if there are none of them in it.
 * @param isExclusion false of a member that gives out nothing any more
 */
export function withoutMembers(
  view: View,
  incarnations: ReadonlySet<string>,
  isExclusion: boolean,
): View | undefined {
  const members = new Map(
    [...view.members].filter(([, { incarnation }]) => !incarnations.has(incarnation)),
  );
  return members.size === view.members.size ? undefined : next(view, { members }, isExclusion);
}

/** With one incarnation draining; undefined if it is not in it, or drains already. */
export function withDraining(view: View, incarnation: string): View | undefined {
  const member = memberOf(view, incarnation);
  if (member === undefined || member.isDraining) return undefined;
  const members = new Map(view.members).set(member.nodeId, { ...member, isDraining: true });
  return next(view, { members }, false);
}

/** With keys in L2 that were never used. */
export function withGeneration(view: View, generation: string): View {
  return next(view, { l2: { generation, epoch: view.epoch + 1 } }, false);
}

/** With one member that reaches L2, or does not; and with keys in L2 that were never used. */
export function withL2Reachable(
  view: View,
  member: ViewMember,
  { isReachable, generation }: { readonly isReachable: boolean; readonly generation: string },
): View {
  const changed = { ...member, isL2Reachable: isReachable };
  const members = new Map(view.members).set(member.nodeId, changed);
  return next(view, { members, l2: { generation, epoch: view.epoch + 1 } }, false);
}

/** Whether all members reach L2. */
export function isL2Shared(view: View): boolean {
  for (const member of view.members.values()) if (!member.isL2Reachable) return false;
  return true;
}

export function memberOf(view: View, incarnation: string): ViewMember | undefined {
  for (const member of view.members.values()) {
    if (member.incarnation === incarnation) return member;
  }
  return undefined;
}

function next(
  view: View,
  change: Partial<Pick<View, 'members' | 'l2'>>,
  isExclusion: boolean,
): View {
  const epoch = view.epoch + 1;
  return { ...view, ...change, epoch, exclusionEpoch: isExclusion ? epoch : view.exclusionEpoch };
}

function inOrder(members: ReadonlyMap<number, ViewMember>): ReadonlyMap<number, ViewMember> {
  return new Map([...members].sort(([a], [b]) => a - b));
}
