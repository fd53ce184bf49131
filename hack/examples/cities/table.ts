import {
  type AttributeValue,
  CreateTableCommand,
  type DynamoDBClient,
  waitUntilTableExists,
} from '@aws-sdk/client-dynamodb';
import type { City } from './cities.ts';

/**
 * The table's design, from the questions that it answers:
 *
 * | question | asked of |
 * |---|---|
 * | all places named alike | the table: one item collection a name |
 * | the largest of those named alike | local index `BySize`: the same collections in order of population |
 * | the ten largest cities of a country | global index `ByCountry` |
 * | a city by id | global index `ById` |
 */
export const indexes = { bySize: 'BySize', byCountry: 'ByCountry', byId: 'ById' } as const;

export type Item = Record<string, AttributeValue>;

/** A city as an item. */
export function itemOf(city: City): Item {
  const [longitude, latitude] = city.loc.coordinates;
  return {
    name: { S: city.name },
    cityId: { N: String(city.cityId) },
    country: { S: city.country },
    population: { N: String(city.population) },
    alternativeName: { S: city.altName },
    featureCode: { S: city.featureCode },
    adminCode: { S: city.adminCode },
    place: { M: { longitude: { N: String(longitude) }, latitude: { N: String(latitude) } } },
  };
}

/** Makes the table with its indexes and waits until it can be used. Throws when it is there already. */
export async function createTable(client: DynamoDBClient, table: string): Promise<void> {
  const key = (AttributeName: string, KeyType: 'HASH' | 'RANGE') => ({ AttributeName, KeyType });
  const all = { ProjectionType: 'ALL' } as const;
  await client.send(
    new CreateTableCommand({
      TableName: table,
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: [
        { AttributeName: 'name', AttributeType: 'S' },
        { AttributeName: 'cityId', AttributeType: 'N' },
        { AttributeName: 'country', AttributeType: 'S' },
        { AttributeName: 'population', AttributeType: 'N' },
      ],
      KeySchema: [key('name', 'HASH'), key('cityId', 'RANGE')],
      LocalSecondaryIndexes: [
        {
          IndexName: indexes.bySize,
          KeySchema: [key('name', 'HASH'), key('population', 'RANGE')],
          Projection: all,
        },
      ],
      GlobalSecondaryIndexes: [
        {
          IndexName: indexes.byCountry,
          KeySchema: [key('country', 'HASH'), key('population', 'RANGE')],
          Projection: all,
        },
        { IndexName: indexes.byId, KeySchema: [key('cityId', 'HASH')], Projection: all },
      ],
    }),
  );
  await waitUntilTableExists({ client, maxWaitTime: 60, minDelay: 1 }, { TableName: table });
}
