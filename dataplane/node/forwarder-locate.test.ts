import { expect, it } from 'vitest';
import { tableFaults } from '../errors/tables.ts';
import { RemoteFailure, RequestFailed } from '../replication/transport/transport.ts';
import { CallFailed } from '../routing/call-failure.ts';
import type { Forwarder } from '../routing/forwarder.ts';
import { ForwarderLocate } from './forwarder-locate.ts';
import { ManualScheduler } from './manual-scheduler.fixture.ts';

const never = () => Promise.reject(new Error('it is not called'));

function locate(callLeader: Forwarder['callLeader']) {
  const scheduler = new ManualScheduler();
  return { scheduler, locate: new ForwarderLocate({ callLeader }, scheduler) };
}

it('calls the leader, repeatably, until the time is up', async () => {
  const calls: unknown[] = [];
  const { scheduler, locate: it } = locate(async (partition, method, body, options) => {
    calls.push([partition, method, body(1, undefined as never), options]);
    return 'answer';
  });
  expect(await it.callLeader(7n, 'feed', ['changes'], 500)).toBe('answer');
  const deadlineMs = scheduler.monotonicMs() + 500;
  expect(calls).toEqual([[7n, 'feed', ['changes'], { isRepeatable: true, deadlineMs }]]);
});

const refusal = new RemoteFailure('notLeader', 'led elsewhere');
const fault = tableFaults.notReadable();

it.each<[string, unknown, unknown]>([
  ['a refusal', new CallFailed('unavailable', 'm', { cause: refusal }), refusal],
  ['nobody there', new CallFailed('noPartition', 'm'), new RemoteFailure('noReplica', 'm')],
  ['shedding', new CallFailed('overloaded', 'm'), new RemoteFailure('overloaded', 'm')],
  ['silence', new CallFailed('unknownOutcome', 'm'), new RequestFailed('unknown', 'm')],
  [
    'a fault',
    fault,
    new RemoteFailure('fault', fault.message ?? '', { type: fault.type, message: fault.message }),
  ],
  ['a defect', new TypeError('x'), new TypeError('x')],
])('tells of %s as the transport would', async (_what, thrown, told) => {
  const { locate: it } = locate(() => Promise.reject(thrown));
  const error: unknown = await it.callLeader(7n, 'feed', [], 500).then(never, (e: unknown) => e);
  expect(error).toEqual(told);
});
