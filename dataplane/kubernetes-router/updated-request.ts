import { usedDefinitions } from '../catalog/key-schema-rules.ts';
import type {
  CreateTableRequest,
  GlobalIndexRequest,
  GlobalIndexUpdate,
  IndexThroughput,
  IndexThroughputUpdate,
  OnDemandThroughput,
  UpdateTableRequest,
} from '../catalog/table-request.ts';

/**
 * The request that would create the table as it is to be after the update. The table's own catalog has
 * found the update to be right; here it only becomes what a Table resource declares.
 * @see catalog/update-plan.ts for what the same members do to a table that exists
 */
export function updatedRequest(
  table: CreateTableRequest,
  update: UpdateTableRequest,
): CreateTableRequest {
  const mode = update.BillingMode ?? table.BillingMode;
  const inMode = withMode(table, update);
  const indexes = (update.GlobalSecondaryIndexUpdates ?? []).reduce(
    withIndexUpdate,
    inMode.GlobalSecondaryIndexes ?? [],
  );
  const all = [table, ...(table.LocalSecondaryIndexes ?? []), ...indexes];
  const known = new Set(table.AttributeDefinitions.map(({ AttributeName }) => AttributeName));
  // A redefinition of an attribute that is in use is ignored, as the service does.
  const added = (update.AttributeDefinitions ?? []).filter(
    ({ AttributeName }) => !known.has(AttributeName),
  );
  return {
    ...inMode,
    BillingMode: mode,
    ...throughputOf(inMode, update),
    TableClass: classOf(table, update),
    StreamSpecification: streamOf(table, update),
    DeletionProtectionEnabled: update.DeletionProtectionEnabled ?? table.DeletionProtectionEnabled,
    GlobalSecondaryIndexes: indexes.length === 0 ? undefined : indexes,
    AttributeDefinitions: usedDefinitions(
      [...table.AttributeDefinitions, ...added],
      all.map(({ KeySchema }) => KeySchema),
    ),
  };
}

/** A table of no class is STANDARD: to say so once more changes nothing. */
function classOf(table: CreateTableRequest, update: UpdateTableRequest): string | undefined {
  const isSame = update.TableClass === 'STANDARD' && table.TableClass === undefined;
  return isSame ? undefined : (update.TableClass ?? table.TableClass);
}

/** Without one nothing is recorded: a stream that was disabled is not declared any more. */
function streamOf(table: CreateTableRequest, update: UpdateTableRequest) {
  const stream = update.StreamSpecification ?? table.StreamSpecification;
  return stream?.StreamEnabled === true ? stream : undefined;
}

/** A switch of billing mode takes with it what only the former mode has. */
function withMode(table: CreateTableRequest, { BillingMode }: UpdateTableRequest) {
  const isSwitch =
    BillingMode !== undefined && BillingMode !== (table.BillingMode ?? 'PROVISIONED');
  if (!isSwitch) return table;
  const gone =
    BillingMode === 'PAY_PER_REQUEST'
      ? { ProvisionedThroughput: undefined }
      : { OnDemandThroughput: undefined };
  return {
    ...table,
    ...gone,
    GlobalSecondaryIndexes: table.GlobalSecondaryIndexes?.map((index) => ({ ...index, ...gone })),
  };
}

function withIndexUpdate(
  indexes: readonly GlobalIndexRequest[],
  { Create, Update, Delete }: GlobalIndexUpdate,
): readonly GlobalIndexRequest[] {
  if (Create !== undefined) return [...indexes, Create];
  if (Delete !== undefined)
    return indexes.filter(({ IndexName }) => IndexName !== Delete.IndexName);
  return Update === undefined ? indexes : indexes.map((index) => updatedIndex(index, Update));
}

function updatedIndex(
  index: GlobalIndexRequest,
  update: IndexThroughputUpdate,
): GlobalIndexRequest {
  if (index.IndexName !== update.IndexName) return index;
  return { ...index, ...throughputOf(index, update) };
}

function throughputOf(current: IndexThroughput, update: IndexThroughput): IndexThroughput {
  return {
    ProvisionedThroughput: update.ProvisionedThroughput ?? current.ProvisionedThroughput,
    OnDemandThroughput: mergedMaximums(current.OnDemandThroughput, update.OnDemandThroughput),
    WarmThroughput: merged(current.WarmThroughput, update.WarmThroughput),
  };
}

/** -1 lifts a maximum. */
function mergedMaximums(
  current: OnDemandThroughput | undefined,
  update: OnDemandThroughput | undefined,
): OnDemandThroughput | undefined {
  const both = merged(current, update);
  return both === undefined ? undefined : nonEmpty(both, (value) => value !== -1);
}

/** Member by member: what an update leaves out stays. */
function merged<T extends object>(current: T | undefined, update: T | undefined): T | undefined {
  const isSaid = (value: unknown) => value !== undefined;
  const changes = update === undefined ? {} : (nonEmpty(update, isSaid) ?? {});
  return nonEmpty({ ...current, ...changes } as T, isSaid); // Members of T, each from one of both.
}

function nonEmpty<T extends object>(map: T, isKept: (value: unknown) => boolean): T | undefined {
  const members = Object.entries(map).filter(([, value]) => isKept(value));
  return members.length === 0 ? undefined : (Object.fromEntries(members) as T);
}
