import type { Process } from './cluster-folder.ts';
import { Complaint } from './complaint.ts';

const TIMEOUT_MS = 5_000;

export interface AdminAnswer {
  readonly status: number;
  readonly body: unknown;
}

/** Asks the admin interface of a process. @throws Complaint when it does not answer */
export async function askAdmin(
  { id, host, adminPort }: Process,
  method: string,
  path: string,
  body?: object,
  timeoutMs = TIMEOUT_MS,
): Promise<AdminAnswer> {
  try {
    const response = await fetch(`http://${host}:${adminPort}${path}`, {
      method,
      headers: { 'content-type': 'application/json' },
      signal: AbortSignal.timeout(timeoutMs),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: response.status, body: await response.json() };
  } catch (error) {
    throw new Complaint(`${id} does not answer on ${host}:${adminPort}: ${reasonOf(error)}`);
  }
}

/** As `askAdmin`, and throws a Complaint also when the answer is a refusal. */
export async function tellAdmin(
  process: Process,
  method: string,
  path: string,
  body?: object,
): Promise<unknown> {
  const answer = await askAdmin(process, method, path, body);
  if (answer.status < 300) return answer.body;
  throw new Complaint(`${process.id}: ${errorOf(answer.body)}`);
}

/** The reason in an answer that is a refusal. */
export function errorOf(body: unknown): string {
  const isTold = typeof body === 'object' && body !== null && 'error' in body;
  return isTold ? String(body.error) : JSON.stringify(body);
}

/** fetch hides the system's error behind one that says `fetch failed`. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  return cause instanceof Error && 'code' in cause ? String(cause.code) : error.message;
}
