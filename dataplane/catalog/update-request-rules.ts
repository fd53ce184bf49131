import { tableRequestFaults, throughputRequestFaults } from '../errors/table-requests.ts';
import { checkTableClass } from './create-plan.ts';
import { checkUpdateStream } from './stream-rules.ts';
import type { GlobalIndexUpdate, UpdateTableRequest } from './table-request.ts';
import { checkUnitsBound, saysSomething } from './throughput-rules.ts';
import { refuseUnsupportedOnUpdate } from './unsupported-members.ts';

/**
 * The rules of UpdateTable that need no look at the table: one logical change a call, and which
 * changes may go together.
 * @throws ClientFault ValidationException
 * @see reference/dynamodb.md §8
 */
export function checkUpdateTable(request: UpdateTableRequest): void {
  checkCombination(request);
  checkUpdateStream(request.StreamSpecification);
  refuseUnsupportedOnUpdate(request);
  checkTableClass(request.TableClass);
  checkBilling(request);
  checkIndexUpdates(request.GlobalSecondaryIndexUpdates ?? []);
}

/** The index that an entry is about. */
export function updatedIndexName(update: GlobalIndexUpdate): string {
  const name = (update.Create ?? update.Update ?? update.Delete)?.IndexName;
  if (name === undefined) throw tableRequestFaults.indexActionMissing();
  return name;
}

/** Exclusive members, in the order in which the service names them when there are several. */
const EXCLUSIVE = [
  { member: 'SSESpecification', text: 'Server-Side Encryption modification' },
  { member: 'TableClass', text: 'TableClass modification' },
  { member: 'DeletionProtectionEnabled', text: 'DeletionProtection modification' },
  { member: 'ReplicaUpdates', text: 'Replica modification' },
  { member: 'WarmThroughput', text: 'WarmThroughput' },
] as const;

function checkCombination(request: UpdateTableRequest): void {
  const given = givenMembers(request);
  const indexUpdates = request.GlobalSecondaryIndexUpdates;
  if (given.size === 0) throw tableRequestFaults.nothingToUpdate();
  if (indexUpdates?.length === 0) {
    throw tableRequestFaults.emptyIndexList('GlobalSecondaryIndexUpdates');
  }
  const hasCreate = indexUpdates?.some(({ Create }) => Create !== undefined) === true;
  const hasDelete = indexUpdates?.some(({ Delete }) => Delete !== undefined) === true;
  for (const { member, text } of EXCLUSIVE) {
    if (!given.has(member) || given.size === 1) continue;
    throw member === 'WarmThroughput' && hasCreate
      ? tableRequestFaults.indexCreateWithWarm()
      : tableRequestFaults.onlyOperation(text);
  }
  if (given.has('OnDemandThroughput') && given.size > (given.has('BillingMode') ? 2 : 1)) {
    throw tableRequestFaults.onDemandOnlyWithBillingMode();
  }
  const changesUnits = given.has('ProvisionedThroughput') || request.BillingMode === 'PROVISIONED';
  if (given.has('StreamSpecification')) {
    if (changesUnits) throw tableRequestFaults.streamWithThroughput();
    if (hasCreate || hasDelete) throw tableRequestFaults.indexWithStream();
  }
  if (given.has('ProvisionedThroughput') && (hasCreate || hasDelete)) {
    throw tableRequestFaults.indexWithThroughput();
  }
}

/** Members that ask for a change. Empty structs and lists do not. */
function givenMembers(request: UpdateTableRequest): ReadonlySet<keyof UpdateTableRequest> {
  const { TableName: _name, AttributeDefinitions: _definitions, ...members } = request;
  const structs = new Set(['OnDemandThroughput', 'WarmThroughput']);
  const given = Object.entries(members)
    .filter(([member, value]) => {
      if (Array.isArray(value)) return value.length > 0;
      return structs.has(member)
        ? saysSomething(members[member as 'WarmThroughput'])
        : value !== undefined;
    })
    .map(([member]) => member as keyof UpdateTableRequest); // Its own keys.
  return new Set(given);
}

function checkBilling(request: UpdateTableRequest): void {
  const { BillingMode: mode, ProvisionedThroughput: units } = request;
  if (mode === 'PAY_PER_REQUEST' && units !== undefined) {
    throw throughputRequestFaults.unitsNotAllowed();
  }
  if (mode === 'PROVISIONED' && units === undefined) {
    throw throughputRequestFaults.throughputRequired();
  }
  if (units !== undefined) checkUnitsBound(units);
}

function checkIndexUpdates(updates: readonly GlobalIndexUpdate[]): void {
  const names = new Set<string>();
  for (const update of updates) {
    const actions = [update.Create, update.Update, update.Delete].filter((a) => a !== undefined);
    if (actions.length === 0) throw tableRequestFaults.indexActionMissing();
    if (actions.length > 1) throw tableRequestFaults.indexActionsSeveral();
    const name = updatedIndexName(update);
    if (names.has(name)) throw tableRequestFaults.indexUpdatedTwice(name);
    names.add(name);
    const warm = update.Update?.WarmThroughput;
    if (warm !== undefined && !saysSomething(warm)) throw throughputRequestFaults.warmEmpty(name);
  }
}
