import { streamFaults } from '../errors/streams.ts';
import { streamArnParts } from '../stream/stream-arn.ts';
import { integer, string } from './shape/shape.ts';

/** Shapes that operations on streams share. @see API model of DynamoDB Streams */

/** Its form is looked at by `checkStreamArn`, which has the service's text for it. */
export const streamArn = string();
export const shardId = string({ min: 28, max: 65 });
export const sequenceNumber = string({ min: 21, max: 40 });

export const LIST_COUNT_MAX = 100;
export const listLimit = integer({ min: 1, max: LIST_COUNT_MAX });

/** @throws ClientFault ValidationException for what has not the form of a stream's ARN */
export function checkStreamArn(arn: string): string {
  if (streamArnParts(arn) === undefined) throw streamFaults.arn();
  return arn;
}
