import type { PartitionRange } from '../partition/schema.ts';
import type { ClusterMap } from './cluster-map.ts';
import { type PartitionList, partitionList } from './partition-map.ts';
import type { PartitionRoute } from './partition-route.ts';

/** One partition of the table or of an index: its range, and where it is. */
export class RemotePart {
  readonly range: PartitionRange;
  readonly #map: ClusterMap;
  #route: PartitionRoute | undefined;

  constructor(range: PartitionRange, map: ClusterMap) {
    this.range = range;
    this.#map = map;
  }

  /** The id stands for a partition that no node is known to have. */
  get route(): PartitionRoute | bigint {
    if (this.#route === undefined || this.#route.isGone) {
      this.#route = this.#map.partition(this.range.id);
    }
    return this.#route ?? this.range.id;
  }
}

/** @throws RangeError when the ranges do not tile the hash space */
export function partsOf(
  ranges: readonly PartitionRange[],
  map: ClusterMap,
): PartitionList<RemotePart> {
  return partitionList(ranges.map((range) => new RemotePart(range, map)));
}
