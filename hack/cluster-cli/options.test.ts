import { expect, it } from 'vitest';
import { Complaint } from './complaint.ts';
import { readOptions, usage } from './options.ts';

it('has a default for everything', () => {
  expect(readOptions(['up'])).toEqual({
    command: 'up',
    folder: expect.stringMatching(/\.cache\/cluster$/),
    node: undefined,
    zones: undefined,
    nodesPerZone: undefined,
    port: undefined,
    table: 'Demo',
    seconds: 20,
    writers: 16,
    from: undefined,
    all: false,
    delete: false,
  });
});

it('takes options and the name of a node', () => {
  const up = ['up', '--zones', '5', '--nodes-per-zone=2', '--port', '9000', '--data', '/x y'];
  expect(readOptions(up)).toMatchObject({ zones: 5, nodesPerZone: 2, port: 9000, folder: '/x y' });
  expect(readOptions(['partition', 'a-1', '--from', 'b-1'])).toMatchObject({
    command: 'partition',
    node: 'a-1',
    from: 'b-1',
  });
  expect(readOptions(['heal', '--all'])).toMatchObject({ node: undefined, all: true });
});

it.each([[[]], [['--help']], [['up', '-h']]])('%j asks for help', (args) => {
  expect(readOptions(args)).toBeUndefined();
});

it('mentions every command in the help', () => {
  for (const command of ['up', 'down', 'status', 'load', 'kill', 'pause', 'resume', 'partition']) {
    expect(usage).toContain(`\n  ${command} `);
  }
  for (const command of ['heal', 'restart', 'wipe']) expect(usage).toContain(`\n  ${command} `);
});

it.each([
  [
    ['start'],
    "there is no command 'start'; there is: up, status, load, kill, restart, pause, resume, partition, heal, wipe, down",
  ],
  [['kill'], 'kill needs the name of a node, like a-1'],
  [['heal'], 'heal needs the name of a node, like a-1, or --all'],
  [['kill', 'a-1', 'b-1'], "unexpected argument 'b-1'"],
  [['status', 'a-1'], "unexpected argument 'a-1'"],
  [['status', '--zones', '3'], 'status does not take --zones'],
  [['up', '--zones', '0'], "--zones needs a number from 1 to 9, not '0'"],
  [['up', '--port', 'x'], "--port needs a number from 1 to 65000, not 'x'"],
  [['up', '--table', 'a b'], "--table needs the name of a table, not 'a b'"],
  [['load', '--seconds', '-1'], "option '--seconds' argument is ambiguous"],
  [['up', '--unknown'], "unknown option '--unknown'"],
])('refuses %j in one line', (args, message) => {
  expect(() => readOptions(args)).toThrow(new Complaint(message, 2));
});
