import type { JsonObject, Operation, OperationContext, ResponseBody } from './operation.ts';

/** How long clients may keep the answer: a day, as the service says. */
const CACHE_PERIOD_MINUTES = 1440;

function handle(_body: JsonObject, { host }: OperationContext): ResponseBody {
  return { Endpoints: [{ Address: host, CachePeriodInMinutes: CACHE_PERIOD_MINUTES }] };
}

/** The endpoint that the client is calling already: there is no other. */
export const describeEndpoints: Operation = { name: 'DescribeEndpoints', handle };
