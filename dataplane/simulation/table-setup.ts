import { ClientFault } from '../errors/client-fault.ts';
import { pause } from '../replication/scheduler.ts';
import type { Router } from '../routing/router.ts';
import type { SimEnvironment } from './sim-machine.ts';
import { GLOBAL_INDEX, LOCAL_INDEX, TABLE_NAME, TTL_ATTRIBUTE } from './workload.ts';

/** Write units that one partition takes (catalog/limits.ts). */
const PARTITION_WRITE_UNITS = 1_000;
const PAUSE_MS = 100;
const HOST = 'localhost';

export interface TableSetupOptions {
  readonly partitionsCount: number;
  readonly hasTimeToLive: boolean;
}

/**
 * Has the table made, as a user would: through a router, over and over until it is there. Never
 * rejects for what a cluster in trouble may answer.
 */
export class TableSetup {
  readonly #options: TableSetupOptions;
  #isCreated = false;
  #isExpiring = false;

  constructor(options: TableSetupOptions) {
    this.#options = options;
  }

  get isDone(): boolean {
    return this.#isCreated && (this.#isExpiring || !this.#options.hasTimeToLive);
  }

  /** For each process of a router. */
  async run(router: Router, { scheduler }: SimEnvironment): Promise<void> {
    const operations = router.control.operations(['CreateTable', 'UpdateTimeToLive']);
    const told = async (name: string, body: object): Promise<string | undefined> => {
      try {
        await operations.get(name)?.handle({ ...body }, { host: HOST });
        return undefined;
      } catch (error) {
        if (!(error instanceof ClientFault)) throw error;
        return `${error.type}: ${error.message}`;
      }
    };
    while (!this.isDone) {
      if (this.#isCreated) {
        const fault = await told('UpdateTimeToLive', timeToLive);
        this.#isExpiring ||= fault === undefined || fault.includes('already enabled');
      } else {
        const fault = await told('CreateTable', tableOf(this.#options));
        this.#isCreated ||= fault === undefined || fault.startsWith('ResourceInUseException');
      }
      await pause(scheduler, PAUSE_MS);
    }
  }
}

function tableOf({ partitionsCount }: TableSetupOptions) {
  const units = partitionsCount * PARTITION_WRITE_UNITS;
  const ProvisionedThroughput = { ReadCapacityUnits: units, WriteCapacityUnits: units };
  const hash = (AttributeName: string) => ({ AttributeName, KeyType: 'HASH' });
  const range = (AttributeName: string) => ({ AttributeName, KeyType: 'RANGE' });
  const text = (AttributeName: string) => ({ AttributeName, AttributeType: 'S' });
  return {
    TableName: TABLE_NAME,
    AttributeDefinitions: [text('pk'), text('sk'), text('group'), text('label')],
    KeySchema: [hash('pk'), range('sk')],
    ProvisionedThroughput,
    GlobalSecondaryIndexes: [
      {
        IndexName: GLOBAL_INDEX,
        KeySchema: [hash('group')],
        Projection: { ProjectionType: 'ALL' },
        ProvisionedThroughput,
      },
    ],
    LocalSecondaryIndexes: [
      {
        IndexName: LOCAL_INDEX,
        KeySchema: [hash('pk'), range('label')],
        Projection: { ProjectionType: 'ALL' },
      },
    ],
  };
}

const timeToLive = {
  TableName: TABLE_NAME,
  TimeToLiveSpecification: { AttributeName: TTL_ATTRIBUTE, Enabled: true },
};
