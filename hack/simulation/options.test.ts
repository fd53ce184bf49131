import { describe, expect, it } from 'vitest';
import { parseOptions } from './options.ts';

describe('options of hack/simulate', () => {
  it('by default: 100 seeds from 1 in two processes', () => {
    expect(parseOptions([])).toMatchObject({
      kind: 'run',
      seedsCount: 100,
      firstSeed: 1,
      jobsCount: 2,
      bug: undefined,
    });
  });

  it('of a run', () => {
    const args = ['--seeds', '5', '--start', '7', '--minutes', '2', '--jobs', '1'];
    expect(parseOptions([...args, '--bug', 'appliesTwice'])).toEqual({
      kind: 'run',
      seedsCount: 5,
      firstSeed: 7,
      durationMsMax: 120_000,
      jobsCount: 1,
      bug: 'appliesTwice',
    });
  });

  it('of one seed', () => {
    const options = { kind: 'seed', seed: 'any text', isTraced: true, bug: undefined };
    expect(parseOptions(['--seed', 'any text', '--trace'])).toEqual(options);
    expect(parseOptions(['--help'])).toEqual({ kind: 'help' });
  });

  it.each([
    [['--seeds', '0'], '--seeds needs a whole number above 0'],
    [['--jobs', 'many'], '--jobs needs a whole number above 0'],
    [['--trace'], '--trace goes with --seed'],
    [['--bug', 'none'], "there is no bug 'none'"],
    [['--sedes', '1'], '--sedes'],
    [['stray'], 'stray'],
  ])('%j is refused', (args, message) => {
    expect(() => parseOptions(args)).toThrow(message);
  });
});
