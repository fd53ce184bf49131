import type { ClientFault } from '../errors/client-fault.ts';
import { type ThrottledResource, throughputFaults } from '../errors/items.ts';
import type { Capacity } from '../partition/command.ts';
import type { TableThroughput } from './table.ts';
import { ResourceMeters } from './throughput.ts';

/** Holds a table and its global indexes to their throughput. */
export class Admission {
  readonly #tableArn: string;
  readonly #table = new ResourceMeters();
  readonly #indexes = new Map<string, ResourceMeters>();
  #mode: TableThroughput['mode'] = 'onDemand';

  constructor(tableArn: string, throughput: TableThroughput, nowMs: number) {
    this.#tableArn = tableArn;
    this.set(throughput, nowMs);
  }

  /** Changes limits; what was saved up stays. */
  set(throughput: TableThroughput, nowMs: number): void {
    this.#mode = throughput.mode;
    this.#table.setLimit(throughput.table, nowMs);
    for (const name of this.#indexes.keys()) {
      if (!throughput.globalIndexes.has(name)) this.#indexes.delete(name);
    }
    for (const [name, limit] of throughput.globalIndexes) {
      let meters = this.#indexes.get(name);
      if (meters === undefined) {
        meters = new ResourceMeters();
        this.#indexes.set(name, meters);
      }
      meters.setLimit(limit, nowMs);
    }
  }

  /**
   * @param globalIndex - the global index that is read, undefined for the table and local indexes
   * @throws ClientFault when nothing is left
   */
  admitRead(globalIndex: string | undefined, nowMs: number): void {
    if (globalIndex === undefined) {
      if (!this.#table.read.admits(nowMs)) throw this.#fault('Read', undefined);
    } else if (this.#indexes.get(globalIndex)?.read.admits(nowMs) === false) {
      throw this.#fault('Read', globalIndex);
    }
  }

  chargeRead(capacity: Capacity, nowMs: number): void {
    this.#table.read.charge(tableUnits(capacity), nowMs);
    for (const [name, units] of capacity.globalIndexes) {
      this.#indexes.get(name)?.read.charge(units, nowMs);
    }
  }

  /** @throws ClientFault when nothing is left of the table's write units */
  admitWrite(nowMs: number): void {
    if (!this.#table.write.admits(nowMs)) throw this.#fault('Write', undefined);
  }

  /**
   * Charges a write that was evaluated, unless a global index it changes has nothing left: an
   * index that lacks throughput holds up the writes of its table.
   * @throws ClientFault
   */
  chargeWrite(capacity: Capacity, nowMs: number): void {
    for (const name of capacity.globalIndexes.keys()) {
      if (this.#indexes.get(name)?.write.admits(nowMs) === false) throw this.indexFault(name);
    }
    this.chargeDoneWrite(capacity, nowMs);
  }

  /** What a write is refused with that would change an index without write units. */
  indexFault(name: string): ClientFault {
    return this.#fault('Write', name);
  }

  /** Charges a write that was done elsewhere, whatever is left. */
  chargeDoneWrite(capacity: Capacity, nowMs: number): void {
    this.#table.write.charge(tableUnits(capacity), nowMs);
    for (const [name, units] of capacity.globalIndexes) {
      this.#indexes.get(name)?.write.charge(units, nowMs);
    }
  }

  /** Global indexes that have no write units left: a write that changes one is to be refused. */
  exhaustedIndexes(nowMs: number): readonly string[] {
    let names = noNames;
    for (const [name, meters] of this.#indexes) {
      if (!meters.write.admits(nowMs)) names = [...names, name];
    }
    return names;
  }

  #fault(operation: ThrottledResource['operation'], index: string | undefined): ClientFault {
    const resource: ThrottledResource =
      index === undefined
        ? { arn: this.#tableArn, kind: 'Table', operation }
        : { arn: `${this.#tableArn}/index/${index}`, kind: 'Index', operation };
    return this.#mode === 'provisioned'
      ? throughputFaults.provisioned(resource)
      : throughputFaults.onDemandMaximum(resource);
  }
}

const noNames: readonly string[] = [];

/** Local indexes draw on the table's units. */
function tableUnits(capacity: Capacity): number {
  let units = capacity.table;
  for (const local of capacity.localIndexes.values()) units += local;
  return units;
}
