import type { JsonObject, ResponseBody } from '../api/operation.ts';
import { adminFaults } from '../errors/admin.ts';
import { TABLE_NAME } from '../item/table-name.ts';
import { type Complain, JsonFields } from '../json-fields.ts';
import type { TriggerSchema, TriggerSpecification } from '../partition/trigger.ts';
import { triggersOf } from '../trigger/trigger-rules.ts';

/** A catalog, as far as it has to do with triggers. */
export interface TriggerCatalog {
  /** @throws ClientFault when there is no such table */
  triggersOf(tableName: string): readonly TriggerSchema[];
  /** @throws ClientFault when there is no such table */
  updateTriggers(
    tableName: string,
    wanted: readonly TriggerSpecification[],
  ): Promise<readonly TriggerSchema[]>;
}

export type TriggerOperation = (
  body: JsonObject,
  catalog: TriggerCatalog,
) => Promise<ResponseBody> | ResponseBody;

/**
 * Operations on the triggers of a table. They are not of the DynamoDB API, and no client reaches them:
 * who steers the cluster calls them at the admin interface of a node.
 *
 * `UpdateTriggers` `{"TableName", "Triggers": [...]}` gives the table these triggers and no others;
 * members of a trigger: `triggersOf`. `DescribeTriggers` `{"TableName"}` shows them. Both answer
 * `{"Triggers": [...]}`, with defaults filled in.
 */
export const triggerOperations: ReadonlyMap<string, TriggerOperation> = new Map<
  string,
  TriggerOperation
>([
  ['UpdateTriggers', updateTriggers],
  ['DescribeTriggers', describeTriggers],
]);

const complain: Complain = (complaint) => {
  throw adminFaults.triggers(`The request ${complaint}`);
};

async function updateTriggers(body: JsonObject, catalog: TriggerCatalog): Promise<ResponseBody> {
  const fields = new JsonFields(body, '', complain);
  fields.only('TableName', 'Triggers');
  const wanted = triggersOf(fields.list('Triggers'), complain);
  return shown(await catalog.updateTriggers(tableNameOf(fields), wanted));
}

function describeTriggers(body: JsonObject, catalog: TriggerCatalog): ResponseBody {
  const fields = new JsonFields(body, '', complain);
  fields.only('TableName');
  return shown(catalog.triggersOf(tableNameOf(fields)));
}

function tableNameOf(fields: JsonFields): string {
  return fields.text('TableName', TABLE_NAME, 'the name of a table');
}

function shown(triggers: readonly TriggerSchema[]): ResponseBody {
  return { Triggers: triggers.map(({ id: _, ...trigger }) => trigger) };
}
