import { once } from 'node:events';
import type { AddressInfo, Server } from 'node:net';
import { type Credential, parseCredentials } from '../../dataplane/access/credentials.ts';
import type { JsonObject } from '../../dataplane/api/operation.ts';
import { ClientFault } from '../../dataplane/errors/client-fault.ts';
import { type CallLimits, HttpTableCalls } from './http-table-calls.ts';
import { TableCallError } from './table-calls.ts';

export const REGION = 'us-east-1';

export function credentialOf(accessKeyId: string, secretAccessKey = 'secret'): Credential {
  const list = JSON.stringify([{ accessKeyId, secretAccessKey }]);
  const credential = parseCredentials(list, 'test', '000000000000').get(accessKeyId);
  if (credential === undefined) throw new Error('it is in the list');
  return credential;
}

export interface TestCallsOptions {
  readonly credential?: () => Credential;
  readonly ca?: string;
  readonly limits?: Partial<CallLimits>;
}

/** Calls of whatever listens there, with waits that tests can afford. */
export function callsTo(endpoint: string, options: TestCallsOptions = {}): HttpTableCalls {
  const credential = credentialOf('AKID');
  return new HttpTableCalls({
    endpoint,
    ca: () => options.ca,
    credential: options.credential ?? (() => credential),
    region: REGION,
    limits: { backOffMs: 5, ...options.limits },
  });
}

export async function listenOn(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  // It listens on TCP.
  return (server.address() as AddressInfo).port;
}

/** What a call came to, in one line; `uncertain` and `not done` are TableCallErrors. */
export async function outcomeOf(call: Promise<JsonObject>): Promise<string> {
  try {
    return JSON.stringify(await call);
  } catch (error) {
    if (error instanceof ClientFault) {
      const members = error.members === undefined ? '' : ` ${JSON.stringify(error.members)}`;
      return `${error.type}: ${error.message}${members}`;
    }
    if (!(error instanceof TableCallError)) throw error;
    return `${error.isUncertain ? 'uncertain' : 'not done'}: ${error.message}`;
  }
}
