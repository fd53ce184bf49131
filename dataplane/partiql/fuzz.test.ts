import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ClientFault } from '../errors/client-fault.ts';
import type { AttributeValue } from '../item/attribute-value.ts';
import { globalIndex, schemaOf } from '../partition/schema.fixture.ts';
import { STATEMENT_CHARS_MAX } from './limits.ts';
import { validParameters } from './parameters.ts';
import { planRead } from './read-plan.ts';
import { almostStatements, damagedStatements, statements } from './statement.arbitrary.ts';
import { bindStatement, targetNamed } from './statement.ts';
import { checkExists, planCheck, planWrite } from './write-plan.ts';

/** Whatever the text, the answer is a plan or a fault of the client. fast-check prints seeds. */

const gix = { ...globalIndex(2, { hash: 'g:S', range: '' }), name: 'Gix' };
const schema = schemaOf({ tableName: 'Tab', globalIndexes: [gix] });

function plan(text: string, parameters: readonly AttributeValue[]): unknown {
  const statement = bindStatement(text, validParameters(parameters));
  switch (statement.kind) {
    case 'select':
      return planRead(statement, schema, { consistentRead: false });
    case 'exists':
      checkExists(statement, schema);
      return planCheck(statement, schema);
    default:
      return planWrite(statement, schema);
  }
}

function outcome(text: string, parameters: readonly AttributeValue[]): 'plan' | ClientFault {
  targetNamed(text);
  try {
    JSON.stringify(plan(text, parameters));
    return 'plan';
  } catch (thrown) {
    if (thrown instanceof ClientFault) return thrown;
    throw thrown;
  }
}

const TIME_LIMIT_MS = 3000;
const runs = { numRuns: 20_000, interruptAfterTimeLimit: TIME_LIMIT_MS };

describe('any text', () => {
  it('that is a statement has a plan, or overlapping reads', () => {
    fc.assert(
      fc.property(statements, ({ text, parameters }) => {
        const result = outcome(text, parameters);
        if (result === 'plan') return;
        expect(result.message).toMatch(/^(Overlapping|Invalid returning|Too many decomposed)/);
      }),
      runs,
    );
  });

  it('that is nearly a statement has a plan or a fault', () => {
    const counts = { plan: 0, fault: 0 };
    const answered = fc.property(damagedStatements, ({ text, parameters }) => {
      counts[outcome(text, parameters) === 'plan' ? 'plan' : 'fault']++;
    });
    // These whatever the time, of which a machine may stand still for all.
    fc.assert(answered, { numRuns: 500 });
    fc.assert(answered, runs);
    expect(Math.min(counts.plan, counts.fault)).toBeGreaterThan(0);
  });

  it('of words and signs has a plan or a fault', () => {
    fc.assert(
      fc.property(fc.oneof(almostStatements, fc.string()), (text) => {
        outcome(text, []);
      }),
      runs,
    );
  });
});

describe('a text as long as they may be', () => {
  const fill = (head: string, part: string, tail = '') =>
    head +
    part.repeat(Math.floor((STATEMENT_CHARS_MAX - head.length - tail.length) / part.length)) +
    tail;
  const where = 'SELECT * FROM Tab WHERE ';

  it.each([
    ['parentheses', fill(where, '(')],
    ['lists', fill('INSERT INTO Tab VALUE ', '[')],
    ['maps', fill('INSERT INTO Tab VALUE ', "{'a':")],
    ['sets', fill('INSERT INTO Tab VALUE ', '<<')],
    ['calls', fill(where, 'size(')],
    ['NOT', fill(where, 'NOT ', 'a = 1')],
    ['signs', fill(`${where}a = `, '- ', '1')],
    ['AND', fill(`${where}a = 1`, ' AND a = 1')],
    ['OR of the key', fill(`${where}p = 'a'`, " OR p = 'a'")],
    ['IN', fill(`${where}p IN ['a'`, ", 'a'", ']')],
    ['a path', fill(`${where}a`, '.a', ' = 1')],
    ['indexes', fill(`${where}a`, '[0]', ' = 1')],
    ['quotes', fill(`${where}a = '`, "''")],
    ['quoted names', fill(`${where}"`, '""')],
    ['comments', fill('', '/**/', 'SELECT * FROM Tab')],
    ['an open comment', fill('SELECT * FROM Tab /*', '*')],
    ['minus signs', fill('SELECT * FROM Tab ', '-- \n')],
    ['digits', fill(`${where}a = `, '9')],
    ['an exponent', fill(`${where}a = 1e`, '0', '1')],
    ['columns', fill('SELECT a', ', a', ' FROM Tab')],
    ['assignments', fill('UPDATE Tab SET a = 1', ', a = 1')],
    ['sums', fill('UPDATE Tab SET a = 1', ' + 1')],
    ['IS', fill(`${where}a`, ' IS NULL')],
    ['BETWEEN', fill(`${where}a`, ' BETWEEN 1 AND 1')],
    ['RETURNING', fill('DELETE FROM Tab RETURNING ALL OLD *', ', ALL OLD *')],
    ['letters', fill('', 'a')],
    ['alternatives of both keys', fill(`${where}(p = 'a')`, ' AND (s = 1 OR s = 2)')],
  ])('of %s costs a few milliseconds', (_, text) => {
    expect(text.length).toBeLessThanOrEqual(STATEMENT_CHARS_MAX);
    outcome(text, []);
    // Of the processor's time: what else the machine does meanwhile is no cost of the statement.
    const before = process.cpuUsage();
    outcome(text, []);
    expect(process.cpuUsage(before).user / 1_000).toBeLessThan(200);
  });
});
