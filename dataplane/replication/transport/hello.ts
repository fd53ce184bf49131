import { FrameError } from './frame.ts';
import { type Identity, PROTOCOL_MAX, PROTOCOL_MIN, type Protocol, type Role } from './options.ts';
import type { NodeId } from './transport.ts';

const TEXT_LENGTH_MAX = 256;

/**
 * What a process says of itself before anything else; JSON, so that it can be read before a
 * version is agreed on and so that a stranger's bytes reach no other decoder. Fields of later
 * versions are passed over.
 */
export interface Hello extends Identity {
  readonly protocolMin: number;
  readonly protocolMax: number;
  /** Whom the sender means to talk to; undefined in a listener's answer. */
  readonly dialled?: NodeId;
}

export type RefusalCode =
  /** The other belongs to another cluster. */
  | 'wrongCluster'
  /** No version that both speak. */
  | 'unsupportedVersion'
  /** Not a node of this cluster. */
  | 'unknownNode'
  /** Another node than the one that was dialled, or one whose turn it is not to dial. */
  | 'wrongNode'
  /** Another live process goes by that name. */
  | 'duplicateNode'
  /** The certificate is missing, not signed by our authority, or made out to another name. */
  | 'certificate';

export interface Refusal {
  /** A code of `RefusalCode`, or one that a later version has added. */
  readonly code: RefusalCode | (string & {});
  readonly message: string;
}

export function encodeHello(hello: Hello): Buffer {
  return Buffer.from(JSON.stringify(hello));
}

/** @throws FrameError when it is not a hello */
export function decodeHello(body: Buffer): Hello {
  const fields = decodeJson(body, 'hello');
  const { protocolMin, protocolMax, role, dialled } = fields;
  if (!isVersion(protocolMin) || !isVersion(protocolMax) || protocolMin > protocolMax) {
    throw new FrameError('malformed hello: protocolMin and protocolMax');
  }
  if (role !== 'node' && role !== 'router') throw new FrameError('malformed hello: role');
  return {
    protocolMin,
    protocolMax,
    role,
    id: text(fields, 'id'),
    clusterId: text(fields, 'clusterId'),
    storeId: text(fields, 'storeId'),
    processId: text(fields, 'processId'),
    ...(dialled === undefined ? {} : { dialled: text(fields, 'dialled') }),
  };
}

export function encodeRefusal(refusal: Refusal): Buffer {
  return Buffer.from(JSON.stringify(refusal));
}

/** @throws FrameError when it is not a refusal */
export function decodeRefusal(body: Buffer): Refusal {
  const fields = decodeJson(body, 'refusal');
  return { code: text(fields, 'code'), message: String(fields.message ?? '') };
}

/** What a listener or dialler holds a hello against. */
export interface Expectation {
  readonly self: Identity;
  readonly protocolMax: Protocol;
  readonly nodes: ReadonlyMap<NodeId, unknown>;
  /** Whom we dialled; undefined at the listener. */
  readonly dialled: NodeId | undefined;
  /** Whether the peer's certificate lets it go by the id, in the role, that its hello says. */
  readonly isCertified: (hello: Hello) => boolean;
}

/** The highest version that both speak. */
export function commonProtocol(hello: Hello, protocolMax: Protocol): Protocol | undefined {
  const highest = Math.min(hello.protocolMax, protocolMax);
  if (highest < Math.max(hello.protocolMin, PROTOCOL_MIN)) return undefined;
  return highest === PROTOCOL_MIN || highest === PROTOCOL_MAX ? highest : undefined;
}

/**
 * Why there can be no connection to whoever said this hello; undefined when there can. The
 * version comes first: in another one the other fields may mean something else.
 */
export function judgeHello(hello: Hello, expected: Expectation): Refusal | undefined {
  const { self, protocolMax } = expected;
  if (commonProtocol(hello, protocolMax) === undefined) {
    const theirs = `${hello.protocolMin} to ${hello.protocolMax}`;
    const message = `${self.id} speaks versions ${PROTOCOL_MIN} to ${protocolMax}, ${hello.id} ${theirs}`;
    return { code: 'unsupportedVersion', message };
  }
  if (hello.clusterId !== self.clusterId) {
    const message = `${self.id} belongs to cluster ${self.clusterId}, ${hello.id} to ${hello.clusterId}`;
    return { code: 'wrongCluster', message };
  }
  if (!expected.isCertified(hello)) {
    return { code: 'certificate', message: `the certificate does not name ${hello.id}` };
  }
  return expected.dialled === undefined
    ? judgeDialler(hello, expected)
    : judgeDialled(hello, expected.dialled);
}

function judgeDialler(hello: Hello, { self, nodes }: Expectation): Refusal | undefined {
  if (hello.dialled !== self.id) {
    const message = `this is ${self.id}, not ${hello.dialled ?? 'somebody else'}`;
    return { code: 'wrongNode', message };
  }
  if (hello.id === self.id) {
    return { code: 'duplicateNode', message: `this is ${self.id} itself` };
  }
  const isNode = nodes.has(hello.id);
  if (hello.role === 'node' && !isNode) {
    return { code: 'unknownNode', message: `${hello.id} is not a node of this cluster` };
  }
  if (hello.role === 'router' && isNode) {
    return { code: 'unknownNode', message: `${hello.id} is a node of this cluster, not a router` };
  }
  if (!isDialler(hello, { id: self.id, role: self.role })) {
    return { code: 'wrongNode', message: `${self.id} dials ${hello.id}, not the other way round` };
  }
  return undefined;
}

function judgeDialled(hello: Hello, dialled: NodeId): Refusal | undefined {
  if (hello.id !== dialled) {
    return { code: 'wrongNode', message: `${hello.id} answered where ${dialled} was dialled` };
  }
  if (hello.role !== 'node') {
    return { code: 'unknownNode', message: `${hello.id} says that it is a ${hello.role}` };
  }
  return undefined;
}

/** Of two nodes the one with the lower id (by UTF-16 units) dials; routers dial nodes. */
export function isDialler(
  one: { readonly id: NodeId; readonly role: Role },
  other: { readonly id: NodeId; readonly role: Role },
): boolean {
  return one.role === other.role ? one.id < other.id : one.role === 'router';
}

function decodeJson(body: Buffer, what: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(body.toString());
  } catch {
    throw new FrameError(`malformed ${what}: not JSON`);
  }
  if (typeof value !== 'object' || value === null) {
    throw new FrameError(`malformed ${what}: not an object`);
  }
  // Any object can be asked for any field; each is checked where it is read.
  return value as Record<string, unknown>;
}

function text(fields: Record<string, unknown>, name: string): string {
  const value = fields[name];
  if (typeof value !== 'string' || value === '' || value.length > TEXT_LENGTH_MAX) {
    throw new FrameError(`malformed hello or refusal: ${name}`);
  }
  return value;
}

function isVersion(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value > 0;
}
