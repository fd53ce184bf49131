import { describe, expect, it } from 'vitest';
import { ClientFault } from '../errors/client-fault.ts';
import { RemoteFailure, RequestFailed } from '../replication/transport/transport.ts';
import { configurationOf, FakeCluster, refusal } from './cluster.fixture.ts';
import { plain } from './local-table.fixture.ts';
import type { ControlCall } from './protocol.ts';
import type { RouterOptions } from './router.ts';

const answer = Buffer.from('{"Table":{"TableName":"T"}}');
const names = ['CreateTable', 'DeleteTable', 'DescribeTable', 'ListTables'];

async function control(options: Partial<RouterOptions> = {}) {
  const cluster = new FakeCluster();
  cluster.addPartition({ id: 0n }, { leader: 'b1' });
  const router = await cluster.router(options);
  const operations = router.control.operations(names);
  const call = async (name: string, body: object = { TableName: 'T' }) => {
    const operation = operations.get(name);
    if (operation === undefined) throw new Error(`no ${name}`);
    try {
      return await operation.handle({ ...body }, { host: 'tables.example' });
    } catch (error) {
      if (error instanceof ClientFault) return error;
      throw error;
    }
  };
  return { cluster, router, call, scheduler: cluster.scheduler };
}

describe('operations on tables at a router', () => {
  it('go to the leader of the catalog, and the answer comes back as it is', async () => {
    const { cluster, call } = await control();
    cluster.node('b1').on('control', () => answer);
    expect(await call('DescribeTable')).toEqual(answer);
    const [seen] = cluster.seenOf('control');
    if (seen === undefined) throw new Error('nobody was asked');
    const { operation, body, host } = seen.body as ControlCall;
    expect([seen.node, operation, Buffer.from(body).toString(), host]).toEqual([
      'b1',
      'DescribeTable',
      '{"TableName":"T"}',
      'tables.example',
    ]);
  });

  it('are rehearsed by a method of their own, which an older node does not take for a change', async () => {
    const { cluster, router, scheduler } = await control();
    cluster.node('b1').on('control', () => Promise.reject(new Error('it was done')));
    let triesCount = 0;
    cluster.node('b1').on('rehearse', () => {
      triesCount += 1;
      if (triesCount === 1) throw new RequestFailed('unknown', 'lost');
      return answer;
    });
    const rehearsal = router.control.operations(names, { isDryRun: true }).get('CreateTable');
    const work = rehearsal?.handle({ TableName: 'T' }, { host: '' });
    if (work === undefined) throw new Error('no CreateTable');
    // It does no harm when it is done twice.
    expect((await scheduler.until(work)).value).toEqual(answer);
    expect(cluster.seenOf('control')).toEqual([]);
  });

  it('say what has failed to who wants to know more than clients do', async () => {
    const { cluster, router, scheduler } = await control();
    for (const id of ['a1', 'b1', 'c1']) {
      cluster.node(id).on('control', () => {
        throw refusal('unknownOutcome');
      });
    }
    const call = { operation: 'CreateTable', body: {}, host: '', isDryRun: false };
    const failure = router.control.forward(call).catch((error) => error);
    expect((await scheduler.until(failure)).value).toMatchObject({ code: 'unknownOutcome' });
  });

  it('show faults as they are', async () => {
    const { cluster, call } = await control();
    cluster.node('b1').on('control', () => {
      throw refusal('fault', {
        type: 'ResourceInUseException',
        message: 'Table already exists: T',
      });
    });
    expect(await call('CreateTable')).toEqual(
      new ClientFault('ResourceInUseException', 'Table already exists: T'),
    );
  });

  it('the next request finds the table as a change left it', async () => {
    const { cluster, router, call, scheduler } = await control();
    cluster.node('b1').on('control', () => {
      cluster.addTable(configurationOf(plain));
      return answer;
    });
    await scheduler.until(call('CreateTable'));
    expect(router.tables.openTable('T').schema.tableName).toBe('T');
  });

  it.each(['DescribeTable', 'ListTables'])(
    '%s is repeated when its fate is unknown',
    async (name) => {
      const { cluster, call, scheduler } = await control();
      cluster.node('b1').on('control', () => {
        throw new RequestFailed('unknown', 'lost');
      });
      cluster.node('a1').on('control', () => answer);
      expect((await scheduler.until(call(name))).value).toEqual(answer);
    },
  );

  it.each([
    ['no answer', new RequestFailed('unknown', 'lost')],
    ['an unknown outcome', refusal('unknownOutcome')],
    ['a bug', new RemoteFailure('internal', 'oops')],
  ])('a change is not repeated after %s: the client decides', async (_, failure) => {
    const { cluster, call, scheduler } = await control();
    for (const id of ['a1', 'b1', 'c1']) {
      cluster.node(id).on('control', () => {
        throw failure;
      });
    }
    const { value } = await scheduler.until(call('CreateTable'));
    expect(value).toMatchObject({ type: 'InternalServerError' });
    expect(cluster.askedFor('control')).toEqual(['b1']);
  });

  it('a change is repeated while it is certain not to have been done', async () => {
    const { cluster, call, scheduler } = await control();
    cluster.node('b1').on('control', () => {
      throw refusal('notLeader', { leader: 'c1', term: 3 });
    });
    cluster.node('c1').on('control', () => answer);
    expect((await scheduler.until(call('DeleteTable'))).value).toEqual(answer);
    cluster.setUp('c1', false);
    cluster.node('a1').on('control', () => answer);
    expect((await scheduler.until(call('DeleteTable'))).value).toEqual(answer);
  });

  it('a change that takes long is waited for', async () => {
    const { cluster, call, scheduler } = await control();
    cluster
      .node('b1')
      .on('control', () => new Promise((resolve) => scheduler.after(8_000, () => resolve(answer))));
    expect((await scheduler.until(call('CreateTable'))).value).toEqual(answer);
    expect(cluster.askedFor('control')).toEqual(['b1']);
  });

  it('a router that has only started waits until it has found the catalog', async () => {
    const cluster = new FakeCluster();
    const router = await cluster.router();
    const operation = router.control.operations(names).get('ListTables');
    const work = operation?.handle({}, { host: '' }) ?? Promise.reject(new Error('no ListTables'));
    await cluster.scheduler.advance(1_000);
    cluster.addPartition({ id: 0n }, { leader: 'b1' });
    cluster.node('b1').on('control', () => answer);
    const { value, tookMs } = await cluster.scheduler.until(work);
    expect(value).toEqual(answer);
    expect(tookMs).toBeLessThan(250);
  });

  it('ends at the deadline when there is no catalog', async () => {
    const cluster = new FakeCluster();
    const router = await cluster.router();
    const operation = router.control.operations(names).get('ListTables');
    const fault = (operation?.handle({}, { host: '' }) ?? Promise.resolve()).catch(
      (error) => error,
    );
    const { value, tookMs } = await cluster.scheduler.until(fault);
    expect(value).toMatchObject({ type: 'InternalServerError' });
    expect(tookMs).toBeGreaterThan(9_000);
    expect(tookMs).toBeLessThanOrEqual(10_000);
  });
});
