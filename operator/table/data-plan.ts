import { changesOf } from '../../dataplane/kubernetes/table-changes.ts';
import { createRequestOf } from '../../dataplane/kubernetes/table-resource.ts';
import { namesOf } from './children.ts';
import { answering, hasCatalog } from './node-answer.ts';
import type { ObservedTable } from './observed.ts';
import type { Step } from './steps.ts';

/** Steps for the table's own cluster, and a word about each for people. */
export interface DataPlan {
  readonly steps: readonly Step[];
  readonly messages: readonly string[];
  /** Why there is nothing that can be done. */
  readonly loss: string | undefined;
}

/**
 * Founds the cluster, creates the table in it, and changes the table to what the spec says.
 *
 * Founding happens once in the life of a table: when all nodes answer, none of them has a catalog,
 * and none ever had. Empty volumes in place of full ones are a loss, and no beginning.
 */
export function planData(observed: ObservedTable, isFounded: boolean): DataPlan {
  const nodes = answering(observed.nodeViews);
  const { slots, table, catalog } = observed;
  if (!isFounded) {
    if (nodes.length < slots.length) return { ...NOTHING, messages: [waitingFor(observed)] };
    const step: Step = { kind: 'bootstrap', nodes: nodes.map(({ pod }) => pod) };
    return { ...NOTHING, steps: [step], messages: ['founding the cluster of the table'] };
  }
  if (nodes.length === slots.length && !nodes.some(hasCatalog)) {
    return { ...NOTHING, loss: lossOf(observed) };
  }
  switch (catalog.kind) {
    case 'unknown':
      return NOTHING;
    case 'absent': {
      const body = createRequestOf(table);
      const step: Step = { kind: 'operate', operation: 'CreateTable', body };
      return { ...NOTHING, steps: [step], messages: ['creating the table'] };
    }
    case 'present': {
      const changes = changesOf(catalog.described, table);
      return {
        ...NOTHING,
        steps: changes.map(({ operation, body }) => ({ kind: 'operate', operation, body })),
        messages: changes.map(({ operation, body }) => `${operation} ${membersOf(body)}`),
      };
    }
  }
}

const NOTHING: DataPlan = { steps: [], messages: [], loss: undefined };

function waitingFor({ nodeViews }: ObservedTable): string {
  const silent = nodeViews.flatMap((node) =>
    node.kind === 'silent' ? [`${node.pod} (${node.reason})`] : [],
  );
  return `waiting for nodes: ${silent.join(', ')}`;
}

function lossOf({ table }: ObservedTable): string {
  const { base } = namesOf(table);
  return (
    `the volumes of all nodes are empty, and the table had data: nothing is made in its place. Bring the volumes ` +
    `back (claims data-${base}-z*-0), or delete the Table and create it again`
  );
}

/** What a request changes, without its values. */
function membersOf(body: object): string {
  return Object.keys(body)
    .filter((member) => member !== 'TableName' && member !== 'ResourceArn')
    .join(', ');
}
