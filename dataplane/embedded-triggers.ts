import { dirname } from 'node:path';
import type { Logger } from 'pino';
import { FileWatch } from './file-watch.ts';
import { systemScheduler } from './replication/scheduler.ts';
import type { WatchTable } from './routing/table-watch.ts';
import { HttpPoster } from './trigger/http-poster.ts';
import { LocalTriggers } from './trigger/local-triggers.ts';
import { SecretFiles } from './trigger/secret-files.ts';
import { BufferMemory } from './trigger/trigger-context.ts';
import { TriggerRegister } from './trigger/trigger-counts.ts';
import { readTriggersFile, TriggersFileError } from './trigger/triggers-file.ts';

/** The triggers of an embedded server. */
export interface EmbeddedTriggers {
  readonly watch: WatchTable;
  /** When all tables are closed. */
  close(): void;
}

/**
 * Reads the triggers of a file, and again when that changes: a change that is refused is logged, and
 * the former triggers go on. Paths in it are relative to it.
 * @throws TriggersFileError
 */
export function openTriggers(path: string, log: Logger): EmbeddedTriggers {
  const scheduler = systemScheduler;
  const nowMs = () => scheduler.nowMs();
  let current = readTriggersFile(path, new Map(), nowMs());
  const poster = new HttpPoster(new SecretFiles(dirname(path)), nowMs);
  const triggers = new LocalTriggers(
    {
      poster,
      scheduler,
      random: Math.random,
      log: (event, fields) => log.warn(fields, event),
      register: new TriggerRegister(),
      memory: new BufferMemory(),
    },
    current,
  );
  const watch = FileWatch.start({
    paths: () => [path],
    onChange: () => {
      try {
        current = readTriggersFile(path, current, nowMs());
        triggers.configure(current);
        log.info({ tablesCount: current.size }, 'triggersReloaded');
      } catch (error) {
        if (!(error instanceof TriggersFileError)) throw error;
        log.error({ error: error.message }, 'triggersRefused');
      }
    },
  });
  return {
    watch: triggers.watch,
    close: () => {
      watch.close();
      poster.close();
    },
  };
}
