import { ClientFault } from '../errors/client-fault.ts';
import { pause } from '../replication/scheduler.ts';
import type { Router } from '../routing/router.ts';
import type { SimEnvironment } from './sim-machine.ts';
import { ACCOUNTS_TABLE_NAME } from './transaction-items.ts';
import { GLOBAL_INDEX, LOCAL_INDEX, TABLE_NAME, TTL_ATTRIBUTE } from './workload.ts';

/** Write units that one partition takes (catalog/limits.ts). */
const PARTITION_WRITE_UNITS = 1_000;
const PAUSE_MS = 100;
const HOST = 'localhost';

export interface TableSetupOptions {
  readonly partitionsCount: number;
  readonly hasTimeToLive: boolean;
  readonly hasStream: boolean;
  /** The accounts' table is made, too. */
  readonly hasTransactions: boolean;
}

/**
 * Has the tables made, as a user would: through a router, over and over until they are there. Never
 * rejects for what a cluster in trouble may answer.
 */
export class TableSetup {
  readonly #options: TableSetupOptions;
  #isCreated = false;
  #hasAccounts = false;
  #isExpiring = false;

  constructor(options: TableSetupOptions) {
    this.#options = options;
  }

  get isDone(): boolean {
    const { hasTimeToLive, hasTransactions } = this.#options;
    const areCreated = this.#isCreated && (this.#hasAccounts || !hasTransactions);
    return areCreated && (this.#isExpiring || !hasTimeToLive);
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
    const isThere = (fault: string | undefined) =>
      fault === undefined || fault.startsWith('ResourceInUseException');
    while (!this.isDone) {
      if (this.#isCreated && this.#options.hasTransactions && !this.#hasAccounts) {
        this.#hasAccounts ||= isThere(await told('CreateTable', accountsTable));
      } else if (this.#isCreated) {
        const fault = await told('UpdateTimeToLive', timeToLive);
        this.#isExpiring ||= fault === undefined || fault.includes('already enabled');
      } else {
        this.#isCreated ||= isThere(await told('CreateTable', tableOf(this.#options)));
      }
      await pause(scheduler, PAUSE_MS);
    }
  }
}

function tableOf({ partitionsCount, hasStream }: TableSetupOptions) {
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
    ...(hasStream ? { StreamSpecification: stream } : {}),
  };
}

const accountsTable = {
  TableName: ACCOUNTS_TABLE_NAME,
  AttributeDefinitions: [
    { AttributeName: 'pk', AttributeType: 'S' },
    { AttributeName: 'sk', AttributeType: 'S' },
  ],
  KeySchema: [
    { AttributeName: 'pk', KeyType: 'HASH' },
    { AttributeName: 'sk', KeyType: 'RANGE' },
  ],
  ProvisionedThroughput: {
    ReadCapacityUnits: PARTITION_WRITE_UNITS,
    WriteCapacityUnits: PARTITION_WRITE_UNITS,
  },
};

const stream = { StreamEnabled: true, StreamViewType: 'NEW_AND_OLD_IMAGES' };

const timeToLive = {
  TableName: TABLE_NAME,
  TimeToLiveSpecification: { AttributeName: TTL_ATTRIBUTE, Enabled: true },
};
