import type { NodeId } from '../replication/transport/transport.ts';

/** Replicas that a partition has where there are nodes enough. */
export const REPLICAS_COUNT = 3;

/** A node that a replica could be put on. */
export interface CandidateNode {
  readonly node: NodeId;
  readonly zone: string;
  /** Connected and well. Others are taken only where there is no better one. */
  readonly isHealthy: boolean;
  /** Replicas that are there, or are going to be. */
  readonly replicasCount: number;
}

/**
 * Nodes for a new partition: one in each of three zones if there are so many, else spread over the
 * zones there are; `min(3, nodes)` of them. The same place in its zone's order for all of them is
 * preferred (a partition's replicas share an ordinal), then few replicas; well nodes come before others.
 * Depends on the arguments alone. In order of the zones' loads.
 */
export function chooseNodes(candidates: readonly CandidateNode[]): readonly NodeId[] {
  const ranks = ranksInZones(candidates);
  const options = [...new Set(ranks.values())].sort((a, b) => a - b);
  let best: Choice | undefined;
  for (const rank of options.length === 0 ? [0] : options) {
    const choice = chooseByRank(candidates, ranks, rank);
    if (best === undefined || compare(choice.cost, best.cost) < 0) best = choice;
  }
  return best?.nodes ?? [];
}

/**
 * One more node for a partition, e.g. in place of one that is lost: a well one that has none of its
 * replicas; in a zone without any if there is one, then the one with the fewest replicas.
 */
export function chooseFurtherNode(
  candidates: readonly CandidateNode[],
  taken: readonly NodeId[],
): NodeId | undefined {
  const takenZones = new Set(
    candidates.filter(({ node }) => taken.includes(node)).map(({ zone }) => zone),
  );
  const [best] = candidates
    .filter(({ node, isHealthy }) => isHealthy && !taken.includes(node))
    .sort(
      (a, b) =>
        Number(takenZones.has(a.zone)) - Number(takenZones.has(b.zone)) ||
        a.replicasCount - b.replicasCount ||
        naturalOrder(a.node, b.node),
    );
  return best?.node;
}

interface Choice {
  readonly nodes: readonly NodeId[];
  /** Compared from the left. */
  readonly cost: readonly number[];
}

/** The place of each node among those of its zone, by name. */
function ranksInZones(candidates: readonly CandidateNode[]): ReadonlyMap<NodeId, number> {
  const ranks = new Map<NodeId, number>();
  for (const zone of Map.groupBy(candidates, (candidate) => candidate.zone).values()) {
    const names = zone.map(({ node }) => node).sort(naturalOrder);
    for (const [rank, node] of names.entries()) ranks.set(node, rank);
  }
  return ranks;
}

/** As good a choice as there is with nodes of this rank where possible. */
function chooseByRank(
  candidates: readonly CandidateNode[],
  ranks: ReadonlyMap<NodeId, number>,
  rank: number,
): Choice {
  const count = Math.min(REPLICAS_COUNT, candidates.length);
  const isOff = ({ node }: CandidateNode) => Number(ranks.get(node) !== rank);
  const chosen: CandidateNode[] = [];
  while (chosen.length < count) {
    const inZone = (zone: string) => chosen.filter((other) => other.zone === zone).length;
    const [next] = candidates
      .filter((candidate) => !chosen.includes(candidate))
      .sort(
        (a, b) =>
          inZone(a.zone) - inZone(b.zone) ||
          Number(b.isHealthy) - Number(a.isHealthy) ||
          isOff(a) - isOff(b) ||
          a.replicasCount - b.replicasCount ||
          naturalOrder(a.node, b.node),
      );
    if (next === undefined) break;
    chosen.push(next);
  }
  const sumOf = (of: (candidate: CandidateNode) => number) =>
    chosen.reduce((sum, candidate) => sum + of(candidate), 0);
  return {
    nodes: chosen.map(({ node }) => node),
    cost: [
      sumOf(({ isHealthy }) => Number(!isHealthy)),
      // A mixed choice saves one load or so; a rank that is much fuller than another is left alone.
      sumOf(({ replicasCount }) => replicasCount) + sumOf(isOff),
      rank,
    ],
  };
}

function compare(a: readonly number[], b: readonly number[]): number {
  for (const [index, value] of a.entries()) {
    const difference = value - (b[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** `n2` before `n10`, whatever the locale. */
function naturalOrder(a: string, b: string): number {
  const numberOf = (name: string) => Number(/\d+$/.exec(name)?.[0] ?? -1);
  const stemOf = (name: string) => name.replace(/\d+$/, '');
  if (stemOf(a) === stemOf(b)) return numberOf(a) - numberOf(b);
  return stemOf(a) < stemOf(b) ? -1 : 1;
}
