import { describe, expect, it } from 'vitest';
import { pathText } from './field-set.ts';
import { specChange } from './spec-change.ts';

const before = {
  tableName: 'Music',
  billingMode: 'PROVISIONED',
  provisionedThroughput: { readCapacityUnits: 5, writeCapacityUnits: 5 },
  keySchema: [{ attributeName: 'pk', keyType: 'HASH' }],
  tags: [
    { key: 'team', value: 'radio' },
    { key: 'cost', value: '7' },
  ],
};

function removedOf({ removed }: ReturnType<typeof specChange>): readonly string[] {
  return removed.map(pathText);
}

describe('a change of a spec', () => {
  it('has what changes, and nothing of what others declare', () => {
    const after = { ...before, billingMode: 'PAY_PER_REQUEST', tableClass: 'STANDARD' };
    const change = specChange({}, before, after);
    expect(change.configuration).toEqual({
      billingMode: 'PAY_PER_REQUEST',
      tableClass: 'STANDARD',
    });
    expect(change).toMatchObject({ removed: [], isEmpty: false });
  });

  it('keeps what was applied before', () => {
    const own = { tags: [{ key: 'cost', value: '7' }], tableClass: 'STANDARD' };
    const after = { ...before, tags: [...before.tags, { key: 'a', value: 'b' }] };
    expect(specChange(own, before, after).configuration).toEqual({
      tableClass: 'STANDARD',
      tags: [
        { key: 'cost', value: '7' },
        { key: 'a', value: 'b' },
      ],
    });
  });

  it('goes into maps and entries: one member of one entry', () => {
    const tags = [...before.tags.slice(0, 1), { key: 'cost', value: '8' }];
    const provisionedThroughput = { readCapacityUnits: 6, writeCapacityUnits: 5 };
    const change = specChange({}, before, { ...before, tags, provisionedThroughput });
    expect(change.configuration).toEqual({
      tags: [{ key: 'cost', value: '8' }],
      provisionedThroughput: { readCapacityUnits: 6 },
    });
  });

  it('leaves out what is to go, and names it', () => {
    const { provisionedThroughput: _, ...rest } = before;
    const after = { ...rest, tags: before.tags.slice(0, 1) };
    const change = specChange(before, before, after);
    expect(change.configuration).toEqual(after);
    expect(removedOf(change)).toEqual(['spec.provisionedThroughput', 'spec.tags[key="cost"]']);
  });

  it('names every entry of a list that is to go', () => {
    const { tags: _, ...after } = before;
    expect(removedOf(specChange({}, before, after))).toEqual([
      'spec.tags[key="team"]',
      'spec.tags[key="cost"]',
    ]);
  });

  it('replaces a list without keys as a whole', () => {
    const keySchema = [...before.keySchema, { attributeName: 'sk', keyType: 'RANGE' }];
    const change = specChange({}, before, { ...before, keySchema });
    expect(change.configuration).toEqual({ keySchema });
  });

  it('is none when only the order of members, or of entries with keys, differs', () => {
    const { tags, ...rest } = before;
    const change = specChange({}, before, { tags: tags.toReversed(), ...rest });
    expect(change).toEqual({ configuration: {}, removed: [], isEmpty: true });
  });
});
