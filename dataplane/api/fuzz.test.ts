import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ClientFault } from '../errors/client-fault.ts';
import { withinTime } from '../time-limit.fixture.ts';
import type { JsonObject } from './operation.ts';
import { operations } from './operations.ts';
import {
  looseRequest,
  mistypedRequest,
  unrelatedRequest,
  validRequest,
} from './requests.fixture.ts';
import { music, type Server, startServer, users } from './server.fixture.ts';

/**
 * Generated requests against a real catalog: whatever comes in, the answer is a response or a fault
 * of the client. fast-check prints the seed and the smallest request of a failure.
 */
let server: Server;
beforeAll(async () => {
  server = await startServer();
  await server.createTable(users);
  await server.createTable(music);
});
afterAll(() => server.close());

/** What the endpoint answers with 5xx is thrown on. */
async function answer(name: string, body: JsonObject): Promise<'response' | 'fault'> {
  try {
    const response = await operations.get(name)?.handle(body, server.context);
    const text =
      response instanceof Uint8Array ? Buffer.from(response).toString() : JSON.stringify(response);
    JSON.parse(text);
    return 'response';
  } catch (thrown) {
    if (!(thrown instanceof ClientFault)) throw thrown;
    if (thrown.type === 'InternalServerError') throw new Error('internal server error');
    JSON.stringify(thrown.members);
    return 'fault';
  }
}

function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** At the least so many that the share of responses tells something. */
const TIME_LIMIT = { limitMs: 2_000, runsMin: 1_000 };

describe('any request is answered', () => {
  it.each([
    { kind: 'valid ones', request: validRequest, leastResponses: 0.5 },
    { kind: 'those with anything wrong but types', request: looseRequest, leastResponses: 0.01 },
    { kind: 'those with a wrong type somewhere', request: mistypedRequest, leastResponses: 0 },
    { kind: 'unrelated JSON', request: unrelatedRequest, leastResponses: 0 },
  ])('$kind', async ({ request, leastResponses }) => {
    const counts = { response: 0, fault: 0 };
    await fc.assert(
      fc.asyncProperty(
        request,
        withinTime(TIME_LIMIT, async ({ operation, body }) => {
          const parsed: unknown = JSON.parse(JSON.stringify(body));
          if (!isJsonObject(parsed)) return; // The endpoint lets no other body through.
          counts[await answer(operation, parsed)]++;
        }),
      ),
      { numRuns: 20_000 },
    );
    // Else the generators would test nothing but the first checks.
    expect(counts.response).toBeGreaterThanOrEqual(
      leastResponses * (counts.response + counts.fault),
    );
    const Item = { Id: { S: 'healthy' } };
    expect(await answer('PutItem', { TableName: 'Users', Item })).toBe('response');
    expect(await server.call('GetItem', { TableName: 'Users', Key: Item })).toEqual({ Item });
  });

  it('also one nested 100,000 levels deep, wherever it is', async () => {
    const open = '{"a":{"M":';
    const deep = `${open.repeat(50_000)}{}${'}}'.repeat(50_000)}`;
    const list = `{"L":${'['.repeat(100_000)}${']'.repeat(100_000)}}`;
    const texts = ['"__"', deep, list, `{"S":"x","Unknown":${deep}}`, `{"S":"x","N":${list}}`];
    for (const hole of texts) {
      for (const [operation, text] of [
        ['PutItem', `{"TableName":"Users","Item":{"Id":{"S":"d"},"a":${hole}}}`],
        ['PutItem', `{"TableName":"Users","Item":${hole}}`],
        ['PutItem', `{"TableName":"Users","Unknown":${hole},"Item":{"Id":{"S":"d"}}}`],
        ['GetItem', `{"TableName":"Users","Key":{"Id":${hole}}}`],
        [
          'UpdateItem',
          `{"TableName":"Users","Key":{"Id":{"S":"d"}},"AttributeUpdates":{"a":{"Value":${hole}}}}`,
        ],
        [
          'DeleteItem',
          `{"TableName":"Users","Key":{"Id":{"S":"d"}},"Expected":{"a":{"Value":${hole}}}}`,
        ],
        [
          'Query',
          `{"TableName":"Users","KeyConditions":{"Id":{"ComparisonOperator":"EQ","AttributeValueList":[${hole}]}}}`,
        ],
        ['Scan', `{"TableName":"Users","ExclusiveStartKey":{"Id":${hole}}}`],
        ['Scan', `{"TableName":${hole}}`],
        ['BatchGetItem', `{"RequestItems":{"a!":{"Keys":[{"Id":${hole}}],"Unknown":${hole}}}}`],
        ['BatchGetItem', `{"RequestItems":${hole}}`],
        [
          'BatchWriteItem',
          `{"RequestItems":{"a!":[{"PutRequest":{"Item":{"a":${hole}}},"Unknown":${hole}}]}}`,
        ],
        ['BatchWriteItem', `{"RequestItems":{"Users":[{"DeleteRequest":{"Key":{"Id":${hole}}}}]}}`],
        [
          'TransactGetItems',
          `{"TransactItems":[{"Get":{"TableName":"Users","Key":{"Id":${hole}}}}]}`,
        ],
        ['TransactGetItems', `{"TransactItems":[${hole}]}`],
        [
          'TransactWriteItems',
          `{"TransactItems":[{"Put":{"TableName":"Users","Item":{"Id":{"S":"d"},"a":${hole}}}}]}`,
        ],
        ['TransactWriteItems', `{"TransactItems":[{"Delete":${hole}},${hole}]}`],
        [
          'ExecuteStatement',
          `{"Statement":"INSERT INTO Users VALUE {'Id': ?, 'a': ?}","Parameters":[{"S":"d"},${hole}]}`,
        ],
        ['ExecuteStatement', `{"Statement":${hole},"Parameters":${hole}}`],
        [
          'BatchExecuteStatement',
          `{"Statements":[{"Statement":"SELECT * FROM Users WHERE Id = ?","Parameters":[${hole}]}]}`,
        ],
        [
          'ExecuteTransaction',
          `{"TransactStatements":[{"Statement":"DELETE FROM Users WHERE Id = 'd' AND a = ?","Parameters":[${hole}]},${hole}]}`,
        ],
        [
          'CreateTable',
          `{"TableName":"Deep","KeySchema":[${hole}],"AttributeDefinitions":${hole}}`,
        ],
      ] as const) {
        expect(['fault', 'response']).toContain(await answer(operation, JSON.parse(text)));
      }
    }
  });
});
