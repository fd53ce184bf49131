import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ClientFault } from '../errors/client-fault.ts';
import { itemBytes } from '../item/size.ts';
import { StoreError } from '../storage/store.ts';
import {
  Installation,
  indexed,
  item,
  plain,
  putAll,
  scanOf,
  sortable,
  unlimited,
} from './local-table.fixture.ts';
import type { TableThroughput } from './table.ts';

describe('LocalTable', () => {
  let installation: Installation;
  const open: Installation['open'] = (...options) => installation.open(...options);

  beforeEach(async () => {
    installation = await Installation.create();
  });
  afterEach(() => installation.close());

  describe('get', () => {
    it('answers at once with the bytes of the item', async () => {
      const table = await open(plain);
      const stored = item(1, { ['__proto__']: { S: 'x' }, constructor: { L: [] } });
      await putAll(table, [stored]);
      const result = table.get(item(1), { consistentRead: false, projection: undefined });
      expect(result).not.toBeInstanceOf(Promise);
      const { json, capacity } = await result;
      expect(Buffer.from(json ?? []).toString()).toBe(JSON.stringify(stored));
      expect(capacity.table).toBe(0.5);
    });

    it('projects', async () => {
      const table = await open(plain);
      await putAll(table, [item(1, { x: { S: 'y' } })]);
      const options = { consistentRead: true, projection: [['x']] } as const;
      const { json } = await table.get(item(1), options);
      expect(Buffer.from(json ?? []).toString()).toBe('{"x":{"S":"y"}}');
    });

    it.each([
      [false, 0, 0.5],
      [true, 0, 1],
      [true, 4_096, 1],
      [true, 4_097, 2],
      [false, 409_600, 50],
    ])('costs (strong: %s, %i bytes) %d units', async (consistentRead, bytes, units) => {
      const table = await open(plain);
      const rest = bytes - itemBytes(item(1)) - 1;
      if (bytes > 0) await putAll(table, [item(1, { x: { S: 'x'.repeat(rest) } })]);
      const { capacity } = await table.get(item(1), { consistentRead, projection: undefined });
      expect(capacity.table).toBe(units);
    });
  });

  describe('throughput', () => {
    const limited: TableThroughput = {
      mode: 'provisioned',
      table: { readUnits: 1, writeUnits: 1 },
      globalIndexes: new Map([['G2', { readUnits: 1, writeUnits: 1 }]]),
    };

    it('lets the burst through, then refuses, then admits what time brings', async () => {
      const table = await open(plain, { throughput: limited });
      for (let read = 0; read < 300; read++) {
        table.get(item(1), { consistentRead: true, projection: undefined });
      }
      const read = () => table.get(item(1), { consistentRead: true, projection: undefined });
      expect(read).toThrow(ClientFault);
      installation.nowMs += 1_000;
      expect(read).not.toThrow();
      table.setThroughput(unlimited);
      for (let more = 0; more < 10; more++) expect(read).not.toThrow();
    });

    it('charges failed conditions, and refuses writes for an index without units', async () => {
      const table = await open(indexed, { throughput: limited });
      const condition = { kind: 'exists', path: ['p'], negated: false } as const;
      const result = await table.write({ kind: 'delete', key: item(1), condition });
      expect(result.kind).toBe('conditionFailed');
      const large = item(1, { g: { S: 'g' }, x: { S: 'x'.repeat(298 * 1024) } });
      await putAll(table, [large]);
      installation.nowMs += 2_000;
      table.setThroughput({ ...limited, table: unlimited.table });
      await putAll(table, [{ ...large, s: sortable(2) }]);
      const refused = putAll(table, [{ ...large, s: sortable(3) }]);
      await expect(refused).rejects.toMatchObject({
        type: 'ProvisionedThroughputExceededException',
        members: {
          ThrottlingReasons: [
            {
              reason: 'IndexWriteProvisionedThroughputExceeded',
              resource: `${indexed.tableArn}/index/G2`,
            },
          ],
        },
      });
      await putAll(table, [item(3)]);
    });
  });

  it('is not found any more by requests that hold it when it is deleted', async () => {
    const table = await open(indexed);
    await putAll(table, [item(1)]);
    const underWay = table.scan(scanOf());
    await table.closeForDeletion();
    const notFound = {
      type: 'ResourceNotFoundException',
      message: 'Requested resource not found',
    };
    await expect(underWay).rejects.toMatchObject(notFound);
    await expect(putAll(table, [item(1)])).rejects.toMatchObject(notFound);
    await expect(table.scan(scanOf())).rejects.toMatchObject(notFound);
    expect(() => table.get(item(1), { consistentRead: true, projection: undefined })).toThrow(
      expect.objectContaining(notFound),
    );
  });

  it('refuses work when closed', async () => {
    const table = await open(indexed);
    await table.close();
    await expect(putAll(table, [item(1)])).rejects.toMatchObject({ code: 'closed' });
    await expect(table.scan(scanOf())).rejects.toMatchObject({ code: 'closed' });
    expect(() => table.get(item(1), { consistentRead: true, projection: undefined })).toThrow(
      StoreError,
    );
  });
});
