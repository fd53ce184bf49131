import { readFileSync } from 'node:fs';
import type { Logger } from 'pino';
import { FileWatch } from '../dataplane/file-watch.ts';
import { UsageError } from '../dataplane/option-values.ts';

/** How a file is read, and what it is in messages. */
export interface WatchedFile<Content> {
  /** Absolute. */
  readonly path: string;
  /** As in `the parameters file`. */
  readonly what: string;
  /**
   * @param complain ends the reading with what is wrong, like `needs a number at recordTtlMillis`
   */
  readonly parse: (text: string, complain: (complaint: string) => never) => Content;
  /** For what a change says; not called for what the file says at the start. */
  readonly onChange: (content: Content) => void;
  readonly log: Logger;
}

/**
 * Reads a file, and again when it changes. A change that is refused is logged, and what the file said
 * before stays.
 * @throws UsageError: one line that names the file, and shows nothing of what is in it but what `parse` says
 */
export function watchFile<Content>(file: WatchedFile<Content>): {
  readonly content: Content;
  readonly close: () => void;
} {
  const { path, onChange, log } = file;
  // Begun before the file is read, so that no change is missed.
  const watch = FileWatch.start({
    paths: () => [path],
    onChange: () => {
      try {
        onChange(read(file));
        log.info({ file: path }, 'fileReloaded');
      } catch (error) {
        if (!(error instanceof UsageError)) throw error;
        log.error({ error: error.message }, 'fileRefused');
      }
    },
  });
  try {
    return { content: read(file), close: () => watch.close() };
  } catch (error) {
    watch.close();
    throw error;
  }
}

function read<Content>({ path, what, parse }: WatchedFile<Content>): Content {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    throw new UsageError(`cannot read the ${what} ${path}: ${code}`, { cause: error });
  }
  return parse(text, (complaint) => {
    throw new UsageError(`the ${what} ${path} ${complaint}`);
  });
}

/** JSON in it. */
export function jsonIn(text: string, complain: (complaint: string) => never): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return complain('is not JSON');
  }
}
