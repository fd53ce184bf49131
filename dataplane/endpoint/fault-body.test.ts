import { describe, expect, it } from 'vitest';
import { ClientFault, RelayedFault, validationFault } from '../errors/client-fault.ts';
import { partiqlFaults } from '../errors/partiql.ts';
import { transactionFaults } from '../errors/transactions.ts';
import { transportFaults } from '../errors/transport.ts';
import { faultBody, faultStatus } from './fault-body.ts';

describe('error bodies', () => {
  it('give on what another server said, as it came', () => {
    const answer = { wireType: 'com.example#ServiceUnavailable', status: 503 };
    const fault = new RelayedFault(answer, 'm', { Reason: 1 });
    expect(faultStatus(fault)).toBe(503);
    expect(faultBody(fault).toString()).toBe(
      '{"__type":"com.example#ServiceUnavailable","message":"m","Reason":1}',
    );
  });

  it('name the exception with its namespace, and its message', () => {
    expect(faultBody(validationFault('ü')).toString()).toBe(
      '{"__type":"com.amazon.coral.validate#ValidationException","message":"ü"}',
    );
  });

  it('spell Message with a capital where the service does', () => {
    expect(faultBody(new ClientFault('SerializationException', 'm')).toString()).toBe(
      '{"__type":"com.amazon.coral.service#SerializationException","Message":"m"}',
    );
    expect(faultBody(new ClientFault('AccessDeniedException', 'm')).toString()).toBe(
      '{"__type":"com.amazon.coral.service#AccessDeniedException","Message":"m"}',
    );
    expect(faultBody(transactionFaults.canceled([{ Code: 'None' }])).toString()).toBe(
      '{"__type":"com.amazonaws.dynamodb.v20120810#TransactionCanceledException","Message":"Transaction cancelled, please refer cancellation reasons for specific reasons [None]","CancellationReasons":[{"Code":"None"}]}',
    );
    expect(faultBody(partiqlFaults.conditionFailed({ Id: { S: 'a' } })).toString()).toBe(
      '{"__type":"com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException","Message":"The conditional request failed","Item":{"Id":{"S":"a"}}}',
    );
    const { inProgress, tokenMismatch, conflict } = transactionFaults;
    for (const fault of [inProgress(), tokenMismatch()]) {
      expect(JSON.parse(faultBody(fault).toString())).toHaveProperty('Message');
    }
    expect(JSON.parse(faultBody(conflict()).toString())).toHaveProperty('message');
  });

  it('leave out a message that the service does not send', () => {
    expect(faultBody(transportFaults.notJson()).toString()).toBe(
      '{"__type":"com.amazon.coral.service#SerializationException"}',
    );
  });

  it('carry further members, prototype names included', () => {
    const item = JSON.parse('{"__proto__":{"S":"x"}}');
    const fault = new ClientFault('ConditionalCheckFailedException', 'm', { Item: item });
    expect(faultBody(fault).toString()).toBe(
      '{"__type":"com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException","message":"m","Item":{"__proto__":{"S":"x"}}}',
    );
  });

  it('go with status 400, and 500 for what is not the client', () => {
    expect(faultStatus(new ClientFault('ResourceNotFoundException', 'm'))).toBe(400);
    expect(faultStatus(new ClientFault('AccessDeniedException', 'm'))).toBe(400);
    expect(faultStatus(transportFaults.internal())).toBe(500);
  });
});
