import type { DynamoDBDocument } from '@aws-sdk/lib-dynamodb';

/** A program that knows nothing of caches: prices of products, looked up by the shop that sells them. */

export const PRODUCTS = 'Products';

export interface Product {
  readonly id: string;
  readonly name: string;
  readonly priceCents: number;
  readonly description: string;
}

/** @param at from 0 */
export function product(at: number): Product {
  return {
    id: `product-${at}`,
    name: `Product ${at}`,
    priceCents: 100 + at,
    description: 'Made of the best that there is. '.repeat(10),
  };
}

/** Writes the first `count` products. */
export async function stock(client: DynamoDBDocument, count: number): Promise<void> {
  for (let at = 0; at < count; at += 1) {
    await client.put({ TableName: PRODUCTS, Item: product(at) });
  }
}

/** The price of a product; undefined when it is not sold. */
export async function priceOf(client: DynamoDBDocument, id: string): Promise<number | undefined> {
  const { Item } = await client.get({ TableName: PRODUCTS, Key: { id } });
  return Item?.priceCents;
}

/** @returns the new price */
export async function raisePrice(client: DynamoDBDocument, id: string, cents: number) {
  const { Attributes } = await client.update({
    TableName: PRODUCTS,
    Key: { id },
    UpdateExpression: 'SET priceCents = priceCents + :cents',
    ExpressionAttributeValues: { ':cents': cents },
    ReturnValues: 'UPDATED_NEW',
  });
  return Number(Attributes?.priceCents);
}
