import { createServer } from 'node:net';

/** Where a node listens: an address of its own, or ports of its own. */
export interface Host {
  readonly host: string;
  readonly portOffset: number;
}

const NODES_PER_ZONE_MAX = 9;

/** An address of its own for each node: all of 127.0.0.0/8 is this machine, where the system lets it. */
export function ownAddress(zone: number, place: number): Host {
  return { host: `127.0.${zone + 1}.${place + 1}`, portOffset: 0 };
}

/** One address and different ports, for systems that know 127.0.0.1 only (macOS). */
export function ownPorts(zone: number, place: number): Host {
  return { host: '127.0.0.1', portOffset: 2 * (zone * NODES_PER_ZONE_MAX + place) };
}

/** Whether this machine lets a process listen on an address. */
export function canBind(host: string): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ host, port: 0 }, () => server.close(() => resolve(true)));
  });
}
