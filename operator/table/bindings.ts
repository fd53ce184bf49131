import { namesOf, type SlotFacts } from './children.ts';
import { DATA_IMAGE, FOUNDED, NO_ZONE, UPGRADE, ZONE } from './names.ts';
import { answering, hasCatalog } from './node-answer.ts';
import type { ConfigMap, Pod } from './objects.ts';
import type { ObservedTable } from './observed.ts';
import { STORAGE_CONTAINER } from './pod-overlay.ts';
import { claimSizeOf } from './storage-plan.ts';
import { chooseZones, isUsable, type ZoneChoice } from './zones.ts';

/**
 * What is settled about a table and cannot be made anew from its spec: which zone each slot is bound to,
 * which image it runs, whether its cluster has been founded. Read from its objects.
 */

/** Zones of the slots: the bound ones, and choices for the others. */
export function zoneChoice(observed: ObservedTable): ZoneChoice {
  const { placement } = observed.table.spec;
  return chooseZones(
    {
      slotsCount: placement.replicationFactor,
      zones: placement.zones ?? [],
      whenZonesInsufficient: placement.whenZonesInsufficient,
      nodeSelector: placement.nodeSelector ?? {},
      tolerations: placement.tolerations ?? [],
    },
    boundZones(observed),
    { nodes: observed.nodes, slotsCountOf: (zone) => observed.slotsByZone.get(zone) ?? 0 },
  );
}

/** By the StatefulSet; where that is gone, by the topology that the table's nodes have. */
export function boundZones(observed: ObservedTable): readonly (string | undefined)[] {
  const names = namesOf(observed.table);
  const topology = topologyZones(topologyOf(observed));
  return observed.slots.map(
    ({ statefulSet }, slot) =>
      statefulSet?.metadata.annotations?.[ZONE] ?? topology.get(names.pod(slot)),
  );
}

/** Slots whose zone has no machine that is ready, by slot: the zone. */
export function lostZones(
  observed: ObservedTable,
  zones: readonly string[],
): ReadonlyMap<number, string> {
  const ready = new Set(
    observed.nodes.flatMap(({ isReady, zone }) => (isReady ? (zone ?? []) : [])),
  );
  return new Map([...zones.entries()].filter(([, zone]) => zone !== NO_ZONE && !ready.has(zone)));
}

/** Whether a pod of the slot could be scheduled, were it not for its volume. */
export function hasRoom(observed: ObservedTable, zone: string): boolean {
  const { placement } = observed.table.spec;
  const wishes = {
    nodeSelector: placement.nodeSelector ?? {},
    tolerations: placement.tolerations ?? [],
  };
  return observed.nodes.some(
    (node) => isUsable(node, wishes) && (zone === NO_ZONE || node.zone === zone),
  );
}

/** Whether the cluster has lived: what no node has any more is then lost, not yet to be made. */
export function isFounded(observed: ObservedTable): boolean {
  return (
    topologyOf(observed)?.metadata.annotations?.[FOUNDED] === 'true' ||
    observed.table.status?.tableID !== undefined ||
    answering(observed.nodeViews).some(hasCatalog)
  );
}

/** By slot; all pods are let go as they are, and held or released by the rollout. */
export function slotFacts(
  observed: ObservedTable,
  zones: readonly string[],
  partitions: readonly (0 | 1)[],
): readonly SlotFacts[] {
  return zones.map((zone, slot) => ({
    zone,
    image: wishedImage(observed, slot),
    claimSize: claimSizeOf(observed, slot),
    partition: partitions[slot] ?? 1,
  }));
}

/** The newest image, or the one that the slot has where upgrades wait for a person. */
function wishedImage({ install, table, slots }: ObservedTable, slot: number): string {
  const isUpgraded = table.metadata.annotations?.[UPGRADE] === 'true';
  if (install.upgradePolicy === 'Automatic' || isUpgraded) return install.dataImage;
  const { statefulSet, pod } = slots[slot] ?? {};
  return (
    statefulSet?.metadata.annotations?.[DATA_IMAGE] ?? (pod && imageOf(pod)) ?? install.dataImage
  );
}

/** The image of the data plane that the pod runs. */
export function imageOf(pod: Pod): string | undefined {
  return pod.spec.containers?.find(({ name }) => name === STORAGE_CONTAINER)?.image;
}

function topologyOf({ table, children }: ObservedTable): ConfigMap | undefined {
  return children.get(`ConfigMap/${namesOf(table).topology}`) as ConfigMap | undefined;
}

function topologyZones(configMap: ConfigMap | undefined): ReadonlyMap<string, string> {
  const text = configMap?.data?.['topology.json'];
  if (text === undefined) return new Map();
  try {
    // Written by this operator; anything else binds nothing.
    const { nodes } = JSON.parse(text) as { nodes?: readonly { id: string; zone: string }[] };
    return new Map((nodes ?? []).map(({ id, zone }) => [id, zone]));
  } catch (error) {
    if (error instanceof SyntaxError) return new Map();
    throw error;
  }
}
