import type { MethodName } from './requests.ts';

/** A method: what its request begins with, and how many values follow (section 3). */
export interface Method {
  readonly name: MethodName;
  readonly id: number;
  readonly argumentsCount: number;
}

/** The methods that clients send. */
export const methods: readonly Method[] = [
  { name: 'authorizeConnection', id: 1489122155, argumentsCount: 5 },
  { name: 'endpoints', id: 455855874, argumentsCount: 0 },
  { name: 'defineKeySchema', id: -742646399, argumentsCount: 1 },
  { name: 'defineAttributeListId', id: -1230579644, argumentsCount: 1 },
  { name: 'defineAttributeList', id: 670678385, argumentsCount: 1 },
  { name: 'getItem', id: 263244906, argumentsCount: 3 },
  { name: 'putItem', id: -2106490455, argumentsCount: 4 },
  { name: 'updateItem', id: 1425579023, argumentsCount: 3 },
  { name: 'deleteItem', id: 1013539361, argumentsCount: 3 },
  { name: 'query', id: -931250863, argumentsCount: 3 },
  { name: 'scan', id: -1875390620, argumentsCount: 2 },
  { name: 'batchGetItem', id: -697851100, argumentsCount: 2 },
  { name: 'batchWriteItem', id: 116217951, argumentsCount: 2 },
  { name: 'transactGetItems', id: 1866287579, argumentsCount: 4 },
  { name: 'transactWriteItems', id: -1160037738, argumentsCount: 9 },
];

/** @returns undefined for ids that no client sends */
export function methodById(id: number): Method | undefined {
  return methodsById.get(id);
}

const methodsById: ReadonlyMap<number, Method> = new Map(
  methods.map((method) => [method.id, method]),
);
