import { ClientFault, validationFault } from './client-fault.ts';

/**
 * Faults of streams, their shards and iterators.
 *
 * Texts: logs and tests of clients against the service that are public; where none is known, the
 * text is ours and marked `Differs:`.
 */
export const streamFaults = {
  /** @see aws-sdk-js, feature test of DescribeStream */
  arn: () => validationFault('Invalid StreamArn'),
  notFound: (arn: string) => notFound(`Requested resource not found: Stream: ${arn} not found`),
  /** @see public consumers of streams, and the tests of the Kinesis adapter: they look for this text */
  shardNotFound: () => notFound('Requested resource not found: Shard does not exist'),
  /** @see ironSource/node-dynamodb-stream, issue 13; API model, member `message` */
  trimmed: () =>
    new ClientFault(
      'TrimmedDataAccessException',
      'The data you are trying to access has been trimmed',
    ),
  /** @see API model, member `message` */
  iteratorExpired: () =>
    new ClientFault(
      'ExpiredIteratorException',
      'The provided iterator exceeds the maximum age allowed',
    ),
  iterator: () => validationFault('Invalid ShardIterator'),
  /**
   * Differs, as do the following: the service refuses these with texts that are not known. This one:
   * scylladb/scylladb, test/alternator/test_streams.py, which also runs against the service.
   */
  shardFilterIncomplete: (missing: 'Type' | 'ShardId') =>
    validationFault(`${missing} must be provided for ShardFilter`),
  sequenceMissing: (iteratorType: string) =>
    validationFault(`SequenceNumber must be provided for ShardIteratorType ${iteratorType}`),
  sequenceUnexpected: (iteratorType: string) =>
    validationFault(`SequenceNumber must not be provided for ShardIteratorType ${iteratorType}`),
  sequenceOutside: (sequenceNumber: string) =>
    validationFault(`Invalid SequenceNumber: ${sequenceNumber} is not in the shard`),
  timestampMissing: () =>
    validationFault('Timestamp must be provided for ShardIteratorType AT_TIMESTAMP'),
  timestampUnexpected: (iteratorType: string) =>
    validationFault(`Timestamp must not be provided for ShardIteratorType ${iteratorType}`),
  timestampInFuture: () => validationFault('Timestamp must not be in the future'),
};

function notFound(text: string): ClientFault {
  return new ClientFault('ResourceNotFoundException', text);
}
