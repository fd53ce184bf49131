import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ClientFault } from '../errors/client-fault.ts';
import { capacityOf, tableCapacity } from '../partition/capacity.ts';
import { Admission } from './admission.ts';
import type { TableThroughput } from './table.ts';
import { admits, charge, fullBucket, Meter, refill } from './throughput.ts';

const arn = 'arn:aws:dynamodb:us-east-1:000000000000:table/T';

describe('a bucket', () => {
  it('starts with 300 s of its rate, and holds no more', () => {
    const bucket = fullBucket(5, 0);
    expect(bucket.level).toBe(1_500);
    expect(refill(bucket, 10_000).level).toBe(1_500);
  });

  it('admits while anything is left, and may be overdrawn', () => {
    const nearlyEmpty = charge(fullBucket(5, 0), 1_499.5);
    expect(admits(nearlyEmpty)).toBe(true);
    const overdrawn = charge(nearlyEmpty, 10);
    expect(admits(overdrawn)).toBe(false);
    expect(admits(refill(overdrawn, 1_900))).toBe(false);
    expect(admits(refill(overdrawn, 2_000))).toBe(true);
  });

  it('never lets more through than the burst, the rate, and one request beyond', () => {
    const request = fc.record({ waitMs: fc.nat(3_000), units: fc.nat(40) });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 50 }), fc.array(request), (rate, requests) => {
        let bucket = fullBucket(rate, 0);
        let nowMs = 0;
        let spent = 0;
        for (const { waitMs, units } of requests) {
          nowMs += waitMs;
          bucket = refill(bucket, nowMs);
          if (!admits(bucket)) continue;
          bucket = charge(bucket, units);
          spent += units;
        }
        expect(spent).toBeLessThanOrEqual(rate * 300 + (rate * nowMs) / 1000 + 40);
      }),
    );
  });
});

describe('a meter', () => {
  it('admits everything without a rate', () => {
    const meter = new Meter();
    meter.charge(1e9, 0);
    expect(meter.admits(0)).toBe(true);
  });

  it('keeps what was saved up when the rate changes', () => {
    const meter = new Meter();
    meter.setRate(1, 0);
    meter.charge(299, 0);
    meter.setRate(100, 0);
    meter.charge(1, 0);
    expect(meter.admits(0)).toBe(false);
    expect(meter.admits(10)).toBe(true);
  });
});

describe('Admission', () => {
  const throughput = (mode: TableThroughput['mode']): TableThroughput => ({
    mode,
    table: { readUnits: 1, writeUnits: 1 },
    globalIndexes: new Map([['G', { readUnits: 1, writeUnits: 1 }]]),
  });

  function faultOf(act: () => void): ClientFault {
    try {
      act();
    } catch (fault) {
      if (fault instanceof ClientFault) return fault;
      throw fault;
    }
    throw new Error('no fault');
  }

  it('refuses a table without units left, with the reason', () => {
    const admission = new Admission(arn, throughput('provisioned'), 0);
    admission.chargeWrite(tableCapacity(300), 0);
    expect(faultOf(() => admission.admitWrite(0))).toEqual(
      new ClientFault(
        'ProvisionedThroughputExceededException',
        'The level of configured provisioned throughput for the table was exceeded. Consider increasing your provisioning level with the UpdateTable API.',
        {
          ThrottlingReasons: [{ reason: 'TableWriteProvisionedThroughputExceeded', resource: arn }],
        },
      ),
    );
    admission.admitRead(undefined, 0);
    admission.admitWrite(1_000);
  });

  it('charges local indexes to the table', () => {
    const admission = new Admission(arn, throughput('provisioned'), 0);
    admission.chargeRead(capacityOf({ table: 1, localIndexes: new Map([['L', 299]]) }), 0);
    expect(faultOf(() => admission.admitRead(undefined, 0)).members).toEqual({
      ThrottlingReasons: [{ reason: 'TableReadProvisionedThroughputExceeded', resource: arn }],
    });
  });

  it('holds up writes for a global index without units left, before anything is charged', () => {
    const admission = new Admission(arn, throughput('provisioned'), 0);
    const capacity = capacityOf({ table: 1, globalIndexes: new Map([['G', 300]]) });
    admission.chargeWrite(capacity, 0);
    for (let round = 0; round < 1_000; round++) {
      const fault = faultOf(() => admission.chargeWrite(capacity, 0));
      expect(fault.message).toBe(
        'The level of configured provisioned throughput for one or more global secondary indexes of the table was exceeded. Consider increasing your provisioning level for the under-provisioned global secondary indexes with the UpdateTable API',
      );
    }
    admission.admitWrite(0);
    admission.chargeWrite(tableCapacity(1), 0);
  });

  it('reads a global index on its own units', () => {
    const admission = new Admission(arn, throughput('onDemand'), 0);
    admission.chargeRead(capacityOf({ table: 0, globalIndexes: new Map([['G', 300]]) }), 0);
    admission.admitRead(undefined, 0);
    const fault = faultOf(() => admission.admitRead('G', 0));
    expect(fault.type).toBe('ThrottlingException');
    expect(fault.members).toEqual({
      throttlingReasons: [
        { reason: 'IndexReadMaxOnDemandThroughputExceeded', resource: `${arn}/index/G` },
      ],
    });
  });
});
