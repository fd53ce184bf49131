import { ClientFault } from '../errors/client-fault.ts';
import type { ControlForwarder, ForwardedOperation } from '../routing/control-forwarder.ts';

/** What is read of ListStreams' answer. */
interface StreamsPage {
  readonly Streams?: readonly { readonly StreamArn?: string }[];
  readonly LastEvaluatedStreamArn?: string;
}

/** Asks where the catalog is led whether there is a stream, also of a table that was deleted. */
export class StreamLookup {
  readonly #list: ForwardedOperation | undefined;

  constructor(control: Pick<ControlForwarder, 'operations'>) {
    this.#list = control.operations(['ListStreams']).get('ListStreams');
  }

  /** @throws ClientFault InternalServerError when the catalog cannot be asked */
  async hasStream(arn: string, TableName: string): Promise<boolean> {
    let start: string | undefined;
    do {
      const page = await this.#page({
        TableName,
        ...(start === undefined ? {} : { ExclusiveStartStreamArn: start }),
      });
      if (page.Streams?.some(({ StreamArn }) => StreamArn === arn)) return true;
      start = page.LastEvaluatedStreamArn;
    } while (start !== undefined);
    return false;
  }

  async #page(body: { readonly TableName: string }): Promise<StreamsPage> {
    try {
      const answer = await this.#list?.handle(body, { host: '' });
      // Nodes of the cluster answer as the API says.
      return JSON.parse(Buffer.from(answer ?? []).toString('utf8')) as StreamsPage;
    } catch (error) {
      // A release that knows of no streams has none.
      const isUnknown = error instanceof ClientFault && error.type === 'UnknownOperationException';
      if (isUnknown) return {};
      throw error;
    }
  }
}
