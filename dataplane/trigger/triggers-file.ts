import { readFileSync } from 'node:fs';
import { TABLE_NAME } from '../item/table-name.ts';
import { type Complain, JsonFields } from '../json-fields.ts';
import type { TriggerSchema } from '../partition/trigger.ts';
import type { TriggersByTable } from './local-triggers.ts';
import { triggersOf } from './trigger-rules.ts';

/** The file is missing, no JSON, or of another form. The message is one line and names the file. */
export class TriggersFileError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'TriggersFileError';
  }
}

/**
 * Reads triggers from a file: `{"<table name>": [<trigger>, ...], ...}`, see `triggersOf`.
 * @param before - as read the last time: triggers of the same name keep their ids
 * @param nowMs - id of those that are new, ms since 1970
 * @throws TriggersFileError
 */
export function readTriggersFile(
  path: string,
  before: TriggersByTable,
  nowMs: number,
): TriggersByTable {
  const fail: Complain = (complaint) => {
    throw new TriggersFileError(`the triggers file ${path} ${complaint}`);
  };
  const tables = new JsonFields(parsed(path, fail), '', fail);
  return new Map(
    Object.keys(tables.all).map((tableName) => {
      const ids = new Map(before.get(tableName)?.map(({ name, id }) => [name, id]));
      const failOfIt: Complain = (complaint) => fail(`${complaint} (table ${tableName})`);
      if (!TABLE_NAME.test(tableName))
        fail(`needs names of tables, not ${JSON.stringify(tableName)}`);
      const triggers = triggersOf(tables.list(tableName), failOfIt);
      const withId = triggers.map(
        (trigger): TriggerSchema => ({ ...trigger, id: ids.get(trigger.name) ?? nowMs }),
      );
      return [tableName, withId] as const;
    }),
  );
}

function parsed(path: string, fail: Complain): unknown {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    throw new TriggersFileError(`cannot read the triggers file ${path}: ${code}`, { cause: error });
  }
  try {
    return JSON.parse(text);
  } catch {
    return fail('is not JSON');
  }
}
