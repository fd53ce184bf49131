import type { Toleration } from '../../dataplane/kubernetes/table-types.ts';
import { NO_ZONE } from './names.ts';
import type { Taint } from './objects.ts';

/** A machine as far as placing slots goes. */
export interface ZoneNode {
  readonly name: string;
  /** Value of the table's topology key; undefined: the node has no such label. */
  readonly zone: string | undefined;
  readonly labels: Readonly<Record<string, string>>;
  readonly taints: readonly Taint[];
  readonly isReady: boolean;
  readonly isUnschedulable: boolean;
}

/** What a table asks of the nodes for its pods. */
export interface ZoneWishes {
  readonly slotsCount: number;
  /** Only these; empty: any. */
  readonly zones: readonly string[];
  readonly whenZonesInsufficient: 'Colocate' | 'Wait';
  readonly nodeSelector: Readonly<Record<string, string>>;
  readonly tolerations: readonly Toleration[];
}

export type ZoneChoice =
  /** Zone of each slot; NO_ZONE for all when nodes have no zones. */
  | { readonly kind: 'chosen'; readonly zones: readonly string[] }
  | { readonly kind: 'wait'; readonly message: string };

/**
 * Binds the slots of a table to zones. What is bound stays; a new slot gets the zone that the table
 * has fewest slots in, then the one with the fewest slots of this installation, then by name.
 * @param bound by slot; undefined: not bound yet
 * @param slotsCountOf slots of the installation's tables in a zone
 */
export function chooseZones(
  wishes: ZoneWishes,
  bound: readonly (string | undefined)[],
  {
    nodes,
    slotsCountOf,
  }: { readonly nodes: readonly ZoneNode[]; readonly slotsCountOf: (zone: string) => number },
): ZoneChoice {
  const slots = Array.from({ length: wishes.slotsCount }, (_, slot) => bound[slot]);
  if (slots.every((zone) => zone !== undefined)) return { kind: 'chosen', zones: slots };
  const usable = nodes.filter((node) => isUsable(node, wishes));
  if (usable.length === 0) return { kind: 'wait', message: noNodeMessage(nodes.length, wishes) };
  if (slots.includes(NO_ZONE) || usable.every(({ zone }) => zone === undefined)) {
    if (wishes.zones.length > 0) return { kind: 'wait', message: missingZonesMessage([], wishes) };
    return { kind: 'chosen', zones: slots.map((zone) => zone ?? NO_ZONE) };
  }
  const zones = zonesOf(usable, wishes);
  if (zones.length === 0) return { kind: 'wait', message: missingZonesMessage(usable, wishes) };
  const distinct = new Set([...zones, ...slots.filter((zone) => zone !== undefined)]);
  if (wishes.whenZonesInsufficient === 'Wait' && distinct.size < wishes.slotsCount) {
    return { kind: 'wait', message: tooFewMessage(zones, wishes) };
  }
  return { kind: 'chosen', zones: filled(slots, zones, slotsCountOf) };
}

/** Whether pods of the table may be scheduled onto the node at present. */
export function isUsable(
  node: ZoneNode,
  { nodeSelector, tolerations }: Pick<ZoneWishes, 'nodeSelector' | 'tolerations'>,
): boolean {
  if (!node.isReady || node.isUnschedulable) return false;
  if (Object.entries(nodeSelector).some(([key, value]) => node.labels[key] !== value)) return false;
  return node.taints.every(
    (taint) =>
      taint.effect === 'PreferNoSchedule' || tolerations.some((each) => tolerates(each, taint)),
  );
}

function tolerates(
  { key, operator = 'Equal', value = '', effect }: Toleration,
  taint: Taint,
): boolean {
  if (effect !== undefined && effect !== taint.effect) return false;
  if (operator === 'Exists') return key === undefined || key === '' || key === taint.key;
  return key === taint.key && value === (taint.value ?? '');
}

/** In order of their names. */
function zonesOf(
  nodes: readonly ZoneNode[],
  { zones }: Pick<ZoneWishes, 'zones'>,
): readonly string[] {
  const all = new Set(nodes.flatMap(({ zone }) => zone ?? []));
  const wished = zones.length === 0 ? all : new Set(zones.filter((zone) => all.has(zone)));
  return [...wished].sort();
}

function filled(
  slots: readonly (string | undefined)[],
  zones: readonly string[],
  slotsCountOf: (zone: string) => number,
): readonly string[] {
  const own = new Map<string, number>();
  const add = (zone: string) => own.set(zone, (own.get(zone) ?? 0) + 1);
  for (const zone of slots) if (zone !== undefined) add(zone);
  return slots.map((bound) => {
    if (bound !== undefined) return bound;
    const [best = NO_ZONE] = zones.toSorted(
      (a, b) =>
        (own.get(a) ?? 0) - (own.get(b) ?? 0) ||
        slotsCountOf(a) - slotsCountOf(b) ||
        (a < b ? -1 : 1),
    );
    add(best);
    return best;
  });
}

function noNodeMessage(count: number, { nodeSelector }: ZoneWishes): string {
  const selector = Object.entries(nodeSelector).map(([key, value]) => `${key}=${value}`);
  const matching =
    selector.length === 0 ? '' : ` with ${selector.join(',')} (placement.nodeSelector)`;
  return (
    `none of ${count} nodes${matching} is ready, schedulable and free of taints that the table does not ` +
    'tolerate: add nodes, or change placement.nodeSelector or placement.tolerations'
  );
}

function missingZonesMessage(nodes: readonly ZoneNode[], { zones }: ZoneWishes): string {
  const there = [...new Set(nodes.flatMap(({ zone }) => zone ?? []))].sort();
  const known = there.length === 0 ? 'nodes have no zone labels' : `there are ${there.join(', ')}`;
  return (
    `no usable node is in a zone of placement.zones (${zones.join(', ')}): ${known}; ` +
    'correct placement.zones or label nodes'
  );
}

function tooFewMessage(zones: readonly string[], { slotsCount }: ZoneWishes): string {
  return (
    `${slotsCount} zones are needed and ${zones.length} usable (${zones.join(', ')}): add nodes in other ` +
    'zones, or set placement.whenZonesInsufficient to Colocate'
  );
}
