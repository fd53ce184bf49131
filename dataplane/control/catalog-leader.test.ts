import { describe, expect, it } from 'vitest';
import { ProposalError } from '../replication/replica.ts';
import { methods } from '../routing/protocol.ts';
import { ControlPlane, table } from './control.fixture.ts';

describe('the catalog where it is led', () => {
  it('answers operations, and faults of callers with their members', async () => {
    const plane = await ControlPlane.open();
    expect(await plane.call('ListTables', {})).toEqual({ TableNames: [] });
    expect(await plane.refusalOf('DescribeTable', { TableName: 'Music' })).toBe(
      'fault ResourceNotFoundException',
    );
    expect(await plane.refusalOf('DescribeTable', { TableName: 7 })).toBe(
      'fault SerializationException',
    );
    expect(await plane.refusalOf('GetItem', {})).toBe('fault UnknownOperationException');
  });

  it('rehearses a change: leadership is confirmed, and nothing is done', async () => {
    const plane = await ControlPlane.open();
    const isDryRun = true;
    const rehearsed = await plane.call('CreateTable', table(), { isDryRun });
    expect(rehearsed).toMatchObject({ TableDescription: { TableStatus: 'CREATING' } });
    expect(await plane.call('ListTables', {})).toEqual({ TableNames: [] });
    plane.replica.hasLease = false;
    await expect(plane.call('CreateTable', table(), { isDryRun })).rejects.toMatchObject({
      code: 'notLeader',
    });
  });

  it('elsewhere it says who leads', async () => {
    const plane = await ControlPlane.open();
    plane.leader.leaderChanged(undefined);
    const call = {
      operation: 'ListTables',
      body: Buffer.from('{}'),
      host: '',
      isDryRun: false,
    };
    await expect(plane.leader.control(call, plane.replica)).rejects.toMatchObject({
      code: 'notLeader',
      data: { leader: 'n1', term: 2 },
    });
    await expect(plane.leader.control(call, undefined)).rejects.toMatchObject({
      code: 'notLeader',
      data: { leader: undefined, term: 0 },
    });
  });

  it('a call that comes while it is being opened waits, and for a second at most', async () => {
    const plane = await ControlPlane.open();
    plane.leader.leaderChanged(undefined);
    plane.leader.leaderChanged(plane.replica);
    expect(plane.leader.isOpen).toBe(false);
    expect(await plane.call('ListTables', {})).toEqual({ TableNames: [] });

    plane.leader.leaderChanged(undefined);
    plane.replica.beforeCommit = () => new Promise(() => {});
    plane.leader.leaderChanged(plane.replica);
    await plane.time.until(() => plane.leader.isOpen); // Opening needs no commit.
  });

  it('what was read is told only after leadership was confirmed', async () => {
    const plane = await ControlPlane.open();
    plane.replica.hasLease = false;
    for (const operation of ['DescribeTable', 'ListTables', 'DescribeLimits']) {
      expect(await plane.refusalOf(operation, { TableName: 'Music' })).toBe('notLeader');
    }
    // So is what the caller is said to have done wrong.
    expect(await plane.refusalOf('DeleteTable', { TableName: 'Music' })).toBe('notLeader');
  });

  it('a write that the group did not take was not done; one that it may have taken is open', async () => {
    const plane = await ControlPlane.open();
    plane.replica.refusal = new ProposalError('dropped', 'too much waits');
    expect(await plane.refusalOf('CreateTable', table())).toBe('unavailable');
    plane.replica.refusal = new ProposalError('notLeader', 'another leads');
    expect(await plane.refusalOf('CreateTable', table())).toBe('notLeader');
    plane.replica.refusal = undefined;
    plane.replica.beforeCommit = () => {
      plane.replica.refusal = new ProposalError('unknown', 'leadership was lost');
    };
    expect(await plane.refusalOf('CreateTable', table())).toBe('unknownOutcome');
  });

  it('leadership that is lost ends all that is under way, and nothing is written any more', async () => {
    const plane = await ControlPlane.open();
    plane.cluster.stop('n2');
    plane.cluster.stop('n3');
    await plane.call('CreateTable', table());
    const waiting = [
      plane.refusalOf('UpdateTimeToLive', {
        TableName: 'Music',
        TimeToLiveSpecification: { Enabled: true, AttributeName: 'ttl' },
      }),
      plane.refusalOf('DeleteTable', { TableName: 'Music' }),
    ];
    await plane.time.pass(100); // They are on their way.
    let commits = 0;
    plane.replica.beforeCommit = () => {
      commits += 1;
    };
    plane.leader.leaderChanged(undefined);
    expect(plane.leader.isOpen).toBe(false);
    expect(await plane.time.during(Promise.all(waiting), 1_000)).toEqual([
      'unknownOutcome',
      'unknownOutcome',
    ]);
    const calls = plane.cluster.calls.length;
    plane.cluster.start('n2');
    await plane.time.during(plane.leader.close(), 1_000);
    await plane.time.pass(60_000);
    expect(commits).toBe(0);
    expect(plane.cluster.calls.length).toBe(calls);
    expect(plane.logged.join()).not.toContain('catalogNotClosed');
  });

  it('a call that hangs does not keep the catalog from being led again', async () => {
    const plane = await ControlPlane.open();
    await plane.call('CreateTable', table());
    await plane.untilActive();
    plane.cluster.beforeCall = ({ method }) =>
      method === methods.dropReplica ? new Promise(() => {}) : undefined;
    await plane.call('DeleteTable', { TableName: 'Music' });
    plane.leader.leaderChanged(undefined);
    plane.cluster.beforeCall = () => {};
    await plane.lead();
    await plane.time.until(() => plane.cluster.at('n1').replicas.size === 0);
    expect(await plane.call('ListTables', {})).toEqual({ TableNames: [] });
  });

  it('the catalog of an earlier leadership stays closed when the same replica leads again', async () => {
    const plane = await ControlPlane.open();
    await plane.call('CreateTable', table());
    plane.leader.leaderChanged(undefined);
    plane.replica.term += 2;
    await plane.lead();
    await plane.untilActive();
    expect(await plane.refusalOf('CreateTable', table())).toBe('fault ResourceInUseException');
  });
});
