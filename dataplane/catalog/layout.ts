import type { IndexSchema, KeyAttribute, KeySchema, TableLayout } from '../partition/schema.ts';
import type { TableThroughput, ThroughputLimit } from '../routing/table.ts';
import type {
  GlobalIndex,
  KeySchemaElement,
  LocalIndex,
  RetiredTable,
  TableDescriptor,
  ThroughputSettings,
} from './descriptor.ts';

/** What the partitions of a table need to know of it. Indexes that are being deleted are left out. */
export function layoutOf(table: TableDescriptor): TableLayout {
  const globalIndexes = table.globalIndexes.filter(({ status }) => status !== 'DELETING');
  return {
    schema: {
      tableName: table.name,
      tableId: table.id,
      tableArn: table.arn,
      key: keySchemaOf(table, table.keySchema),
      localIndexes: table.localIndexes.map((index) =>
        indexSchemaOf(table, index, { kind: 'local', state: 'active' }),
      ),
      globalIndexes: globalIndexes.map((index) =>
        indexSchemaOf(table, index, { kind: 'global', state: stateOf(index) }),
      ),
      timeToLiveAttribute: activeTimeToLiveAttribute(table),
      stream: table.stream,
      hashSecret: table.hashSecret,
    },
    partitions: table.partitions,
    indexPartitions: new Map(globalIndexes.map((index) => [index.id, index.partitions])),
    ...(table.endedStreams.length === 0 ? {} : { endedStreams: table.endedStreams }),
    ...(table.triggers === undefined ? {} : { triggers: table.triggers }),
  };
}

/** Of a deleted table: what its streams are read by. */
export function retiredLayoutOf({ table, retiredAtMs }: RetiredTable): TableLayout {
  return { ...layoutOf(table), retiredAtMs };
}

/** Limits that admission enforces; in on-demand mode only maximums that were set. */
export function throughputOf(table: TableDescriptor): TableThroughput {
  const mode = table.billingMode === 'PROVISIONED' ? 'provisioned' : 'onDemand';
  const limitOf = ({ provisioned, onDemand }: ThroughputSettings): ThroughputLimit =>
    mode === 'provisioned'
      ? { readUnits: provisioned.readUnits, writeUnits: provisioned.writeUnits }
      : { readUnits: onDemand.readUnits, writeUnits: onDemand.writeUnits };
  return {
    mode,
    table: limitOf(table.throughput),
    globalIndexes: new Map(
      table.globalIndexes
        .filter(({ status }) => status !== 'DELETING')
        .map((index) => [index.name, limitOf(index.throughput)]),
    ),
  };
}

/** The attribute by which items expire, while that is so. */
export function activeTimeToLiveAttribute(table: TableDescriptor): string | undefined {
  const { status, attribute } = table.timeToLive;
  return status === 'ENABLED' || status === 'ENABLING' ? attribute : undefined;
}

function stateOf(index: GlobalIndex): IndexSchema['state'] {
  return index.backfilling === undefined ? 'active' : 'backfilling';
}

function indexSchemaOf(
  table: TableDescriptor,
  index: LocalIndex,
  { kind, state }: Pick<IndexSchema, 'kind' | 'state'>,
): IndexSchema {
  const { ProjectionType: type, NonKeyAttributes: attributes = [] } = index.projection;
  return {
    name: index.name,
    kind,
    id: index.id,
    key: keySchemaOf(table, index.keySchema),
    projection: type === 'INCLUDE' ? { type, attributes } : { type },
    state,
  };
}

function keySchemaOf(table: TableDescriptor, elements: readonly KeySchemaElement[]): KeySchema {
  const types = new Map(
    table.attributeDefinitions.map(({ AttributeName, AttributeType }) => [
      AttributeName,
      AttributeType,
    ]),
  );
  const attributes = (keyType: 'HASH' | 'RANGE'): readonly KeyAttribute[] =>
    elements
      .filter(({ KeyType }) => KeyType === keyType)
      .map(({ AttributeName: name }) => {
        const type = types.get(name);
        if (type === undefined) throw new Error(`key attribute without definition: ${name}`);
        return { name, type };
      });
  return { hash: attributes('HASH'), range: attributes('RANGE') };
}
