import { ACCOUNT_UNITS_MAX, TABLE_UNITS_MAX } from '../catalog/limits.ts';
import type { JsonObject, Operation, ResponseBody } from './operation.ts';

function handle(_body: JsonObject): ResponseBody {
  return {
    AccountMaxReadCapacityUnits: ACCOUNT_UNITS_MAX,
    AccountMaxWriteCapacityUnits: ACCOUNT_UNITS_MAX,
    TableMaxReadCapacityUnits: TABLE_UNITS_MAX,
    TableMaxWriteCapacityUnits: TABLE_UNITS_MAX,
  };
}

export const describeLimits: Operation = { name: 'DescribeLimits', handle };
