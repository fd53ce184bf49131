import type { Logger } from 'pino';
import type { LoadedTls } from '../dataplane/admin/certificate-report.ts';
import type { Undo } from '../dataplane/undo.ts';
import type { DaxOptions } from './options.ts';
import { anyKey, parseRole } from './role.ts';
import { HttpTableCalls } from './tables/http-table-calls.ts';
import { watchFile } from './watched-file.ts';

export interface TablesSide {
  readonly calls: HttpTableCalls;
  /** Whom it trusts to be the tables, as it is now. */
  readonly loadedTls: () => readonly LoadedTls[];
}

/**
 * The tables behind the cache, called in the cluster's own role. Nothing is called yet.
 * @throws UsageError
 */
export function openTables(options: DaxOptions, log: Logger, undo: Undo): TablesSide {
  const { tables, region, clusterName, accountId } = options;
  const { url, ca: caFile, roleFile } = tables;
  let ca: string | undefined;
  if (caFile !== undefined) {
    const onChange = (text: string) => {
      ca = text;
    };
    ca = watched(caFile, 'CA file of the tables', (text) => text, { onChange, log, undo });
  }
  let credential = anyKey(accountId);
  if (roleFile !== undefined) {
    const onChange = (key: typeof credential) => {
      credential = key;
    };
    const parse = (text: string) => parseRole(text, roleFile, { clusterName, accountId });
    credential = watched(roleFile, 'role file', parse, { onChange, log, undo });
  }
  const calls = new HttpTableCalls({
    endpoint: url,
    ca: () => ca,
    credential: () => credential,
    region,
  });
  undo.push(() => calls.close());
  return { calls, loadedTls: () => [{ use: 'tables', ca }] };
}

interface WatchParts<Content> {
  readonly onChange: (content: Content) => void;
  readonly log: Logger;
  readonly undo: Undo;
}

function watched<Content>(
  path: string,
  what: string,
  parse: (text: string) => Content,
  { onChange, log, undo }: WatchParts<Content>,
): Content {
  const { content, close } = watchFile({ path, what, parse, onChange, log });
  undo.push(close);
  return content;
}
