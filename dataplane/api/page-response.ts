import type { PageResult } from '../partition/command.ts';
import { consumedCapacity, type ReturnConsumedCapacity } from './consumed-capacity.ts';
import { ResponseJson } from './response-json.ts';

/** What the response of Query and Scan depends on beside the page. */
export interface PageReport {
  readonly output: 'items' | 'count';
  /** As the request has it: a name or an ARN. */
  readonly tableName: string;
  readonly capacityMode: ReturnConsumedCapacity | undefined;
}

/** The response of Query and Scan. The items' bytes are copied once. */
export function pageResponse(page: PageResult, report: PageReport): Uint8Array {
  const json = new ResponseJson();
  json.text('{');
  if (report.output === 'items') json.text('"Items":').items(page.items).text(',');
  return json
    .text(`"Count":${page.count},"ScannedCount":${page.scannedCount}`)
    .member('LastEvaluatedKey', page.lastEvaluatedKey)
    .member(
      'ConsumedCapacity',
      consumedCapacity(report.capacityMode, report.tableName, page.capacity),
    )
    .text('}')
    .toBuffer();
}
