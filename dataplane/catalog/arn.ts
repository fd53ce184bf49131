import { arnFaults, tableFaults } from '../errors/tables.ts';
import { TABLE_NAME } from '../item/table-name.ts';

/** Where this installation is, as its ARNs say. */
export interface Place {
  readonly region: string;
  readonly accountId: string;
}

/** Partition names of ARNs; every region of an installation is in `aws`. */
const ARN_PARTITION = 'aws';

export function tableArn(place: Place, tableName: string): string {
  return `arn:${ARN_PARTITION}:dynamodb:${place.region}:${place.accountId}:table/${tableName}`;
}

export function indexArn(ofTable: string, indexName: string): string {
  return `${ofTable}/index/${indexName}`;
}

/**
 * The table that a `TableName` member means: a name, or the ARN of a table of this installation.
 *
 * @throws ClientFault ValidationException for an ARN of another region or kind,
 *   AccessDeniedException for one of another account.
 */
export function tableNameOf(nameOrArn: string, place: Place): string {
  if (!nameOrArn.startsWith('arn:')) return nameOrArn;
  const [, partition, service, region, account, ...rest] = nameOrArn.split(':');
  const resource = rest.join(':');
  if (service !== 'dynamodb' || resource === '') throw arnFaults.form();
  if (partition !== ARN_PARTITION) throw arnFaults.partition(nameOrArn);
  if (region !== place.region) throw arnFaults.region(nameOrArn);
  if (!resource.startsWith('table/')) throw arnFaults.resourceType(nameOrArn);
  const name = resource.slice('table/'.length);
  if (name.includes('/')) throw arnFaults.resourceType(nameOrArn);
  if (!TABLE_NAME.test(name)) throw arnFaults.form();
  if (account !== place.accountId) throw tableFaults.resourceDenied();
  return name;
}

/**
 * The table that a `ResourceArn` member of the tagging operations means.
 *
 * @throws ClientFault ValidationException for what is no ARN of a table or stream of this region,
 *   AccessDeniedException for another account, ResourceNotFoundException for streams (there are none).
 * @see reference/dynamodb.md §6 (Tags)
 */
export function taggedTableName(arn: string | undefined, place: Place): string {
  if (arn === undefined || arn === '') throw arnFaults.missing();
  if (!arn.startsWith('arn:')) throw arnFaults.notAnArn(arn);
  const [, partition, service, region, account, ...rest] = arn.split(':');
  if (service !== 'dynamodb') throw arnFaults.otherService(arn);
  if (partition !== ARN_PARTITION || region !== place.region) throw arnFaults.otherPlace(arn);
  const [kind, name, child] = rest.join(':').split('/');
  if (kind !== 'table' || name === undefined || !TABLE_NAME.test(name)) {
    throw arnFaults.otherPlace(arn);
  }
  if (account !== place.accountId) throw tableFaults.resourceDenied();
  if (child === 'stream') throw arnFaults.notFound(arn);
  if (child !== undefined) throw arnFaults.otherResource(arn);
  return name;
}
