import type { JsonObject } from '../../dataplane/api/operation.ts';
import { RegistryError } from './registry-store.ts';
import { MEMBERS_MAX, type View, type ViewMember } from './view.ts';

const FORMAT = 1;

/**
 * The view as a record of the registry.
 *
 * `{format: 1, lineage, epoch, exclusionEpoch, members: [{nodeId, incarnation, name, zone, address, port, tlsPort,
 * peerPort, isDraining, isL2Reachable}], l2: {generation, epoch}}`.
 */
export function encodeView(view: View): JsonObject {
  return { format: FORMAT, ...view, members: [...view.members.values()] };
}

/** @throws RegistryError if it is no view */
export function decodeView(value: JsonObject): View {
  const { format, members, l2 } = value;
  if (format !== FORMAT) throw malformed('format');
  if (!Array.isArray(members) || members.length > MEMBERS_MAX) throw malformed('members');
  const generation = objectOf(l2, 'l2');
  return {
    lineage: textOf(value, 'lineage'),
    epoch: countOf(value, 'epoch'),
    exclusionEpoch: countOf(value, 'exclusionEpoch'),
    members: new Map(
      members.map((member) => {
        const decoded = decodeMember(objectOf(member, 'members'));
        return [decoded.nodeId, decoded];
      }),
    ),
    l2: { generation: textOf(generation, 'generation'), epoch: countOf(generation, 'epoch') },
  };
}

function decodeMember(value: JsonObject): ViewMember {
  return {
    nodeId: countOf(value, 'nodeId'),
    incarnation: textOf(value, 'incarnation'),
    name: textOf(value, 'name'),
    zone: textOf(value, 'zone'),
    address: textOf(value, 'address'),
    port: portOf(value, 'port'),
    tlsPort: portOf(value, 'tlsPort'),
    peerPort: portOf(value, 'peerPort'),
    isDraining: value.isDraining === true,
    isL2Reachable: value.isL2Reachable !== false,
  };
}

function objectOf(value: unknown, name: string): JsonObject {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw malformed(name);
  return Object.fromEntries(Object.entries(value));
}

function textOf(value: JsonObject, name: string): string {
  const text = value[name];
  if (typeof text !== 'string' || text.length > 255) throw malformed(name);
  return text;
}

function countOf(value: JsonObject, name: string): number {
  const count = value[name];
  if (typeof count !== 'number' || !Number.isSafeInteger(count) || count < 0) throw malformed(name);
  return count;
}

function portOf(value: JsonObject, name: string): number {
  const port = countOf(value, name);
  if (port > 65_535) throw malformed(name);
  return port;
}

function malformed(name: string): RegistryError {
  return new RegistryError(`the view in the registry has no usable ${name}`);
}
