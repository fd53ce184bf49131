import { ClientFault } from '../errors/client-fault.ts';
import type { ControlForwarder, ForwardedOperation } from './control-forwarder.ts';

/** What is read of DescribeTable's answer. */
interface Description {
  readonly Table?: { readonly TableStatus?: string; readonly TableId?: string };
}

/**
 * Asks where the catalog is led. What a router knows of tables may be behind or not there yet: after
 * its start, or while it reaches only nodes that are behind themselves. That a table is absent is
 * said by the catalog alone, for a client does not try again after it.
 */
export class CatalogLookup {
  readonly #describe: ForwardedOperation | undefined;
  /** Under way, by name: requests at the same time share the question. */
  readonly #asking = new Map<string, Promise<boolean>>();

  constructor(control: Pick<ControlForwarder, 'operations'>) {
    this.#describe = control.operations(['DescribeTable']).get('DescribeTable');
  }

  /**
   * Whether there is a table of that name or ARN that items can be in.
   * @throws ClientFault InternalServerError when the catalog cannot be asked
   */
  hasTable(nameOrArn: string): Promise<boolean> {
    const asked = this.#asking.get(nameOrArn);
    if (asked !== undefined) return asked;
    const asking = this.#ask(nameOrArn).finally(() => this.#asking.delete(nameOrArn));
    this.#asking.set(nameOrArn, asking);
    return asking;
  }

  /**
   * Whether a table is gone for good, whatever has its name now.
   * @throws ClientFault InternalServerError when the catalog cannot be asked
   */
  async isDeleted(table: { readonly tableId: string; readonly tableName: string }) {
    const described = await this.#describeTable(table.tableName);
    return described?.TableId !== table.tableId;
  }

  async #ask(nameOrArn: string): Promise<boolean> {
    const table = await this.#describeTable(nameOrArn);
    if (table === undefined) return false;
    return table.TableStatus !== 'CREATING' && table.TableStatus !== 'DELETING';
  }

  /** Undefined: there is none. */
  async #describeTable(TableName: string): Promise<Description['Table']> {
    try {
      const answer = await this.#describe?.handle({ TableName }, { host: '' });
      // Nodes of the cluster answer as the API says.
      const { Table = {} } = JSON.parse(Buffer.from(answer ?? []).toString('utf8')) as Description;
      return Table;
    } catch (error) {
      if (error instanceof ClientFault && error.type === 'ResourceNotFoundException') {
        return undefined;
      }
      throw error;
    }
  }
}
