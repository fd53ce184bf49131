import { expect, test } from 'vitest';
import { musicTable } from '../../dataplane/kubernetes/table.fixture.ts';
import type { TableResource } from '../../dataplane/kubernetes/table-resource.ts';
import { REGISTRY_TABLE, registrySpec, registryView } from './registry.ts';

const table = (change: Partial<TableResource['spec']> = {}): TableResource =>
  musicTable({ ...registrySpec, ...change });

test('a namespace without the table lacks the registry', () => {
  expect(registryView([])).toEqual({ kind: 'absent' });
});

test('the registry says whether it serves', () => {
  expect(registryView([table()])).toEqual({ kind: 'there', isReady: false, message: 'it is new' });
  const ready = {
    type: 'Ready',
    status: 'True',
    reason: 'Active',
    message: 'it serves',
    lastTransitionTime: '',
  } as const;
  const serving = { ...table(), status: { conditions: [ready] } };
  expect(registryView([serving])).toMatchObject({ kind: 'there', isReady: true });
});

test('more attributes, such as those of an index, do no harm', () => {
  const attributeDefinitions = [
    ...registrySpec.attributeDefinitions,
    { attributeName: 'other', attributeType: 'N' as const },
  ];
  expect(registryView([table({ attributeDefinitions })])).toMatchObject({ kind: 'there' });
});

test.each([
  ['another name', { tableName: 'Music' }],
  ['other keys', { keySchema: registrySpec.keySchema.slice(0, 1) }],
  [
    'numbers as keys',
    {
      attributeDefinitions: registrySpec.attributeDefinitions.map((each) => ({
        ...each,
        attributeType: 'N' as const,
      })),
    },
  ],
])('a table with %s is no registry', (_, change) => {
  const view = registryView([table(change)]);
  expect(view).toMatchObject({
    kind: 'unusable',
    message: expect.stringContaining(`tableName ${REGISTRY_TABLE}`),
  });
});
