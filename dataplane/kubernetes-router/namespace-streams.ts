import { type Place, tableNameOf } from '../catalog/arn.ts';
import { layoutOf } from '../catalog/layout.ts';
import { ClientFault } from '../errors/client-fault.ts';
import { streamFaults } from '../errors/streams.ts';
import { operatingTexts, transportFaults } from '../errors/transport.ts';
import type { TableResource } from '../kubernetes/table-resource.ts';
import { streamArnParts } from '../stream/stream-arn.ts';
import type { OpenStream, StreamInfo, Streams } from '../stream/streams.ts';
import { descriptorOf } from './resource-description.ts';
import type { TableClusters } from './table-clusters.ts';
import type { TableDirectory } from './table-directory.ts';
import type { TableViews } from './table-views.ts';

export interface NamespaceStreamsParts {
  readonly directory: TableDirectory;
  readonly clusters: Pick<TableClusters, 'cluster'>;
  readonly views: Pick<TableViews, 'find'>;
  readonly place: Place;
}

/**
 * The streams of a namespace. Each table's own cluster knows its streams; only the list of all of them
 * comes from the Table resources, for a namespace may have a thousand tables of which few are in use.
 *
 * Differs: that list has of each table the stream that is enabled. Those that were disabled, and can be
 * read for 24 hours, are listed when their table is named. A deleted table takes its streams along.
 */
export class NamespaceStreams implements Streams {
  readonly #parts: NamespaceStreamsParts;

  constructor(parts: NamespaceStreamsParts) {
    this.#parts = parts;
  }

  /** @throws ClientFault InternalServerError when it is not known what tables there are */
  async list(tableName: string | undefined): Promise<readonly StreamInfo[]> {
    const { directory, clusters } = this.#parts;
    if (tableName !== undefined) {
      const table = directory.table(tableName);
      return (await clusters.cluster(table?.clusterId ?? '')?.streams()) ?? [];
    }
    if (!directory.isComplete) throw transportFaults.internal(operatingTexts.noControlPlane);
    return [...directory.tables()]
      .flatMap(({ resource }) => (resource === undefined ? [] : this.#enabledOf(resource)))
      .sort((a, b) => (a.arn < b.arn ? -1 : 1));
  }

  /** @throws ClientFault */
  async open(arn: string): Promise<OpenStream> {
    const { clusters, views, place } = this.#parts;
    const parts = streamArnParts(arn);
    if (parts === undefined) throw streamFaults.arn();
    const { clusterId } = await found(arn, views.find(tableNameOf(parts.tableArn, place)));
    const cluster = clusters.cluster(clusterId);
    if (cluster === undefined) throw transportFaults.internal(operatingTexts.unavailable);
    return cluster.openStream(arn);
  }

  /** As the operator has seen it. */
  #enabledOf(resource: TableResource): readonly StreamInfo[] {
    const { spec, status } = resource;
    const { streamSpecification } = spec;
    const { latestStreamARN: arn, latestStreamLabel: label } = status ?? {};
    if (streamSpecification?.streamViewType === undefined) return [];
    if (arn === undefined || label === undefined) return [];
    return [
      {
        arn,
        label,
        id: Date.parse(`${label}Z`),
        status: 'ENABLED',
        viewType: streamSpecification.streamViewType,
        tableName: spec.tableName,
        key: layoutOf(descriptorOf(resource, this.#parts.place)).schema.key,
      },
    ];
  }
}

/** What is found; in the words of streams when there is no such table. */
async function found<T>(arn: string, finding: Promise<T>): Promise<T> {
  try {
    return await finding;
  } catch (error) {
    const isAbsent = error instanceof ClientFault && error.type === 'ResourceNotFoundException';
    throw isAbsent ? streamFaults.notFound(arn) : error;
  }
}
