import { arnFaults } from '../../errors/tables.ts';
import { checkCreateTable } from '../create-table.ts';
import { checkDeleteTable } from '../delete-table.ts';
import { checkDescribeTable } from '../describe-table.ts';
import { checkDescribeTimeToLive } from '../describe-time-to-live.ts';
import { checkListTagsOfResource } from '../list-tags-of-resource.ts';
import { checkTagResource } from '../tag-resource.ts';
import { checkUntagResource } from '../untag-resource.ts';
import { checkUpdateTable } from '../update-table.ts';
import { checkUpdateTimeToLive } from '../update-time-to-live.ts';
import type { AccessRule } from './needed-access.ts';
import { nameMember, tableNameIn } from './raw-members.ts';

/** The control plane: a table as a whole, or nothing in particular. */
export const createTableAccess = onTable('CreateTable', checkCreateTable);
export const deleteTableAccess = onTable('DeleteTable', checkDeleteTable);
export const describeTableAccess = onTable('DescribeTable', checkDescribeTable);
export const describeTimeToLiveAccess = onTable('DescribeTimeToLive', checkDescribeTimeToLive);
export const updateTableAccess = onTable('UpdateTable', checkUpdateTable);
export const updateTimeToLiveAccess = onTable('UpdateTimeToLive', checkUpdateTimeToLive);

export const tagResourceAccess = onTagged('TagResource', checkTagResource);
export const untagResourceAccess = onTagged('UntagResource', checkUntagResource);
export const listTagsOfResourceAccess = onTagged('ListTagsOfResource', checkListTagsOfResource);

/** What is about no resource, and needs no more than its name. */
export function ofAccount(action: string): AccessRule {
  return { read: () => [{ kind: 'account', action }], check: () => undefined };
}

function onTable(action: string, check: AccessRule['check']): AccessRule {
  return {
    read: (body) => {
      const table = tableNameIn(body);
      return table === undefined ? undefined : [{ kind: 'table', action, table }];
    },
    check,
  };
}

function onTagged(action: string, check: AccessRule['check']): AccessRule {
  return {
    read: (body) => {
      const arn = nameMember(body, 'ResourceArn');
      return arn.kind === 'given' ? [{ kind: 'tagged', action, arn: arn.value }] : undefined;
    },
    check: (body) => {
      check(body);
      throw arnFaults.missing();
    },
  };
}
