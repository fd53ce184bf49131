import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { ClusterFolder } from './cluster-folder.ts';
import { Complaint } from './complaint.ts';
import { ownAddress, ownPorts } from './loopback.ts';

let path: string;
beforeEach(() => {
  path = mkdtempSync(join(tmpdir(), 'trestle cluster folder '));
});
afterEach(() => rmSync(path, { recursive: true, force: true }));

it('names nodes by zone and place, each with an address of its own', () => {
  const folder = new ClusterFolder(path);
  folder.create({ zones: 2, nodesPerZone: 2, port: 8000, hostOf: ownAddress });
  expect(
    folder.processes().map(({ id, zone, role, host, port }) => [id, zone, role, host, port]),
  ).toEqual([
    ['a-1', 'a', 'node', '127.0.1.1', 8002],
    ['a-2', 'a', 'node', '127.0.1.2', 8002],
    ['b-1', 'b', 'node', '127.0.2.1', 8002],
    ['b-2', 'b', 'node', '127.0.2.2', 8002],
    ['router-1', 'a', 'router', '127.0.0.1', 8000],
  ]);
});

it.each([
  ['addresses', ownAddress],
  ['ports', ownPorts],
])('gives the largest cluster %s that are all different', (_what, hostOf) => {
  const folder = new ClusterFolder(path);
  folder.create({ zones: 9, nodesPerZone: 9, port: 65_000, hostOf });
  // Reading it checks that.
  expect(folder.processes()).toHaveLength(82);
});

it('complains of what is not there', () => {
  const folder = new ClusterFolder(path);
  expect(() => folder.processes()).toThrow(
    new Complaint(`there is no cluster in ${path}: start one with hack/cluster up`),
  );
  folder.create({ zones: 1, nodesPerZone: 1, port: 8000, hostOf: ownPorts });
  expect(() => folder.process('b-1')).toThrow(
    new Complaint("there is no node 'b-1'; there is: a-1, router-1"),
  );
  expect(() => folder.node('router-1')).toThrow(
    new Complaint("'router-1' is a router, not a node"),
  );
});
