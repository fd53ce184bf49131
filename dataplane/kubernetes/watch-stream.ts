import type { IncomingMessage } from 'node:http';
import { KubeError } from './kube-error.ts';
import type { KubeObject, ObjectMeta } from './object.ts';

/** Above the largest object that the server stores (1.5 MiB), written out twice. */
const LINE_CHARS_MAX = 16 * 1024 * 1024;

/** The server ended the watch by an ERROR event: what was missed is only known by a new list. */
export class WatchErrorEvent extends KubeError {}

/** A bookmark's object has a resourceVersion and little else. */
export interface WatchEvent<T extends KubeObject = KubeObject> {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK';
  readonly object: T;
}

/**
 * The events of a watch, one JSON document a line.
 * @param what the request, for errors
 * @param onArrival called for each piece of data, also for a part of an event
 * @throws WatchErrorEvent for an ERROR event (410 when the history is gone); KubeError for damage
 */
export async function* watchEvents<T extends KubeObject>(
  message: IncomingMessage,
  what: string,
  onArrival: () => void,
): AsyncGenerator<WatchEvent<T>> {
  for await (const line of lines(message, what, onArrival)) yield watchEventOf<T>(line, what);
}

async function* lines(
  message: IncomingMessage,
  what: string,
  onArrival: () => void,
): AsyncGenerator<string> {
  message.setEncoding('utf8');
  let rest = '';
  for await (const chunk of message) {
    onArrival();
    const parts = (rest + chunk).split('\n');
    rest = parts.pop() ?? '';
    for (const line of parts) if (line !== '') yield line;
    if (rest.length > LINE_CHARS_MAX) {
      throw KubeError.damaged(what, `an event above ${LINE_CHARS_MAX} characters`);
    }
  }
  if (rest !== '') throw KubeError.damaged(what, 'the last event is cut off');
}

function watchEventOf<T extends KubeObject>(line: string, what: string): WatchEvent<T> {
  const { type, object } = parsed(line, what);
  if (type === 'ERROR') {
    const error = KubeError.answered(what, codeOf(object), object);
    throw new WatchErrorEvent(error.message, error);
  }
  if (type !== 'ADDED' && type !== 'MODIFIED' && type !== 'DELETED' && type !== 'BOOKMARK') {
    throw KubeError.damaged(what, `an event of type ${String(type).slice(0, 50)}`);
  }
  if (!hasVersion(object)) throw KubeError.damaged(what, 'an event without resourceVersion');
  // The caller names the kind that is watched; the server keeps to the kind's schema.
  return { type, object: object as unknown as T };
}

function parsed(line: string, what: string): { type?: unknown; object?: unknown } {
  try {
    const event: unknown = JSON.parse(line);
    return typeof event === 'object' && event !== null ? event : {};
  } catch (error) {
    if (error instanceof SyntaxError) throw KubeError.damaged(what, 'an event that is not JSON');
    throw error;
  }
}

function codeOf(status: unknown): number {
  const isStatus = typeof status === 'object' && status !== null && 'code' in status;
  return isStatus && typeof status.code === 'number' ? status.code : 500;
}

function hasVersion(object: unknown): object is { metadata: ObjectMeta } {
  if (typeof object !== 'object' || object === null || !('metadata' in object)) return false;
  const { metadata } = object;
  if (typeof metadata !== 'object' || metadata === null) return false;
  return 'resourceVersion' in metadata && typeof metadata.resourceVersion === 'string';
}
