import { describe, expect, it } from 'vitest';
import { ClientFault } from '../../errors/client-fault.ts';
import {
  attributeMap,
  attributeValue,
  boolean,
  compileShape,
  integer,
  list,
  long,
  map,
  stage,
  string,
  structure,
} from './shape.ts';

function faultOf(act: () => unknown): Pick<ClientFault, 'type' | 'message'> {
  try {
    act();
  } catch (thrown) {
    if (thrown instanceof ClientFault) return { type: thrown.type, message: thrown.message };
    throw thrown;
  }
  throw new Error('nothing was thrown');
}

const element = structure(
  {
    AttributeName: string({ min: 1, max: 5 }),
    KeyType: string({ enum: ['HASH', 'RANGE'] }),
  },
  { name: 'KeySchemaElement', required: ['AttributeName', 'KeyType'] },
);

const check = compileShape(
  structure(
    {
      TableName: string({ min: 3, max: 5, pattern: '[a-z]+' }),
      Limit: integer({ min: 1 }),
      Units: long({ min: 1, max: 10 }),
      Strong: boolean(),
      Names: list(string(), { min: 1 }),
      Keys: list(attributeMap()),
      KeySchema: list(element, { min: 1, max: 2 }),
      Value: attributeValue(),
      Substitutes: map(string()),
      Updates: map(structure({ Action: string() }, { name: 'AttributeValueUpdate' })),
      Tables: map(list(element, { max: 2, min: 1 }), { keys: string({ max: 3 }) }),
      Element: element,
    },
    { required: ['TableName'] },
  ),
);

const TYPE_CAST =
  'class sun.reflect.generics.reflectiveObjects.ParameterizedTypeImpl cannot be cast to class ' +
  'java.lang.Class (sun.reflect.generics.reflectiveObjects.ParameterizedTypeImpl and ' +
  "java.lang.Class are in module java.base of loader 'bootstrap')";
const STRUCTURE = 'Start of structure or map found where not expected';
const MODEL = 'com.amazonaws.dynamodb.v20120810.';

describe('JSON types', () => {
  const cases: [body: object, message: string][] = [
    [{ TableName: true }, 'TRUE_VALUE cannot be converted to String'],
    [{ TableName: false }, 'FALSE_VALUE cannot be converted to String'],
    [{ TableName: 23 }, 'NUMBER_VALUE cannot be converted to String'],
    [{ TableName: 34.56 }, 'DECIMAL_VALUE cannot be converted to String'],
    [{ TableName: [] }, 'Unrecognized collection type class java.lang.String'],
    [{ TableName: {} }, STRUCTURE],
    [{ Limit: '23' }, 'STRING_VALUE cannot be converted to Integer'],
    [{ Limit: true }, 'TRUE_VALUE cannot be converted to Integer'],
    [{ Limit: [] }, 'Unrecognized collection type class java.lang.Integer'],
    [{ Limit: {} }, STRUCTURE],
    [{ Units: '23' }, 'STRING_VALUE cannot be converted to Long'],
    [{ Units: [] }, 'Unrecognized collection type class java.lang.Long'],
    [{ Strong: '23' }, 'Unexpected token received from parser'],
    [{ Strong: 23 }, 'NUMBER_VALUE cannot be converted to Boolean'],
    [{ Strong: 2.5 }, 'DECIMAL_VALUE cannot be converted to Boolean'],
    [{ Strong: [] }, 'Unrecognized collection type class java.lang.Boolean'],
    [{ Strong: {} }, STRUCTURE],
    [{ Names: '23' }, 'Unexpected field type'],
    [{ Names: 23 }, 'Unexpected field type'],
    [{ Names: {} }, STRUCTURE],
    [{ Names: [1] }, 'NUMBER_VALUE cannot be converted to String'],
    [{ Keys: ['a'] }, TYPE_CAST],
    [
      { Keys: [[]] },
      `Unrecognized collection type java.util.Map<java.lang.String, ${MODEL}AttributeValue>`,
    ],
    [{ KeySchema: ['a'] }, 'Unexpected value type in payload'],
    [{ KeySchema: [[]] }, `Unrecognized collection type class ${MODEL}KeySchemaElement`],
    [{ KeySchema: [{ KeyType: {} }] }, STRUCTURE],
    [{ Element: 'a' }, 'Unexpected field type'],
    [{ Element: [] }, `Unrecognized collection type class ${MODEL}KeySchemaElement`],
    [{ Substitutes: 1 }, 'Unexpected field type'],
    [
      { Substitutes: [] },
      'Unrecognized collection type java.util.Map<java.lang.String, java.lang.String>',
    ],
    [
      { Updates: [] },
      `Unrecognized collection type java.util.Map<java.lang.String, ${MODEL}AttributeValueUpdate>`,
    ],
    [{ Updates: { a: 1 } }, 'Unexpected value type in payload'],
    [
      { Tables: [] },
      `Unrecognized collection type java.util.Map<java.lang.String, java.util.List<${MODEL}KeySchemaElement>>`,
    ],
    [{ Tables: { a: 1 } }, TYPE_CAST],
    [{ Value: 1 }, 'Unexpected field type'],
    [{ Value: { S: 1 } }, 'NUMBER_VALUE cannot be converted to String'],
  ];
  it.each(cases)('%j: %s', (body, message) => {
    expect(faultOf(() => check({ ...body }))).toEqual({ type: 'SerializationException', message });
  });

  it('the first mismatch in the order of the text is reported', () => {
    expect(faultOf(() => check({ Limit: 'a', TableName: 1 })).message).toBe(
      'STRING_VALUE cannot be converted to Integer',
    );
    expect(faultOf(() => check({ TableName: 1, Limit: 'a' })).message).toBe(
      'NUMBER_VALUE cannot be converted to String',
    );
  });

  it('a mismatch anywhere comes before any constraint', () => {
    expect(faultOf(() => check({ TableName: '!', Names: [[]] })).type).toBe(
      'SerializationException',
    );
  });

  it('unknown members are ignored, also those with names of the prototype', () => {
    const body = JSON.parse('{"TableName":"abc","Other":{"x":[1]},"__proto__":5,"toString":[]}');
    expect(check(body).TableName).toBe('abc');
  });

  it('null members and list elements count as absent', () => {
    const checked = check({
      TableName: 'abc',
      Limit: null,
      Names: [null, 'a'],
      Substitutes: { '#a': null, '#b': 'b' },
    });
    expect(checked).toEqual({ TableName: 'abc', Names: ['a'], Substitutes: { '#b': 'b' } });
  });

  it('texts that stand for booleans and fractions of whole numbers are converted', () => {
    expect(check({ TableName: 'abc', Strong: 'Yes', Limit: 2.9 })).toEqual({
      TableName: 'abc',
      Strong: true,
      Limit: 2,
    });
  });

  it('a map keeps a member called __proto__', () => {
    const body = JSON.parse('{"TableName":"abc","Substitutes":{"__proto__":"a"}}');
    expect(Object.entries(check(body).Substitutes ?? {})).toEqual([['__proto__', 'a']]);
  });
});

describe('constraints', () => {
  const cases: [body: object, message: string][] = [
    [
      {},
      "1 validation error detected: Value null at 'tableName' failed to satisfy constraint: Member must not be null",
    ],
    [
      { TableName: 'a!' },
      "2 validation errors detected: Value 'a!' at 'tableName' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-z]+; Value 'a!' at 'tableName' failed to satisfy constraint: Member must have length greater than or equal to 3",
    ],
    [
      { TableName: 'abc', Limit: 0, Units: 11 },
      "2 validation errors detected: Value '0' at 'limit' failed to satisfy constraint: Member must have value greater than or equal to 1; Value '11' at 'units' failed to satisfy constraint: Member must have value less than or equal to 10",
    ],
    [
      { TableName: 'abc', Names: [] },
      "1 validation error detected: Value '[]' at 'names' failed to satisfy constraint: Member must have length greater than or equal to 1",
    ],
    [
      { TableName: 'abc', KeySchema: [{ KeyType: 'X' }] },
      "2 validation errors detected: Value null at 'keySchema.1.member.attributeName' failed to satisfy constraint: Member must not be null; Value 'X' at 'keySchema.1.member.keyType' failed to satisfy constraint: Member must satisfy enum value set: [HASH, RANGE]",
    ],
    [
      { TableName: 'abc', KeySchema: [{ AttributeName: 'a', KeyType: 'HASH' }, {}, {}] },
      "5 validation errors detected: Value '[KeySchemaElement(attributeName=a, keyType=HASH), KeySchemaElement(attributeName=null, keyType=null), KeySchemaElement(attributeName=null, keyType=null)]' at 'keySchema' failed to satisfy constraint: Member must have length less than or equal to 2; Value null at 'keySchema.2.member.attributeName' failed to satisfy constraint: Member must not be null; Value null at 'keySchema.2.member.keyType' failed to satisfy constraint: Member must not be null; Value null at 'keySchema.3.member.attributeName' failed to satisfy constraint: Member must not be null; Value null at 'keySchema.3.member.keyType' failed to satisfy constraint: Member must not be null",
    ],
    [
      { TableName: 'abc', Element: { AttributeName: '', KeyType: 'HASH' } },
      "1 validation error detected: Value '' at 'element.attributeName' failed to satisfy constraint: Member must have length greater than or equal to 1",
    ],
    [
      { TableName: 'abc', Tables: { a: [] } },
      "1 validation error detected: Value '{a=[]}' at 'tables' failed to satisfy constraint: Map value must satisfy constraint: [Member must have length greater than or equal to 1, Member must have length less than or equal to 2]",
    ],
    [
      { TableName: 'abc', Tables: { long: [{ AttributeName: 'a' }] } },
      "2 validation errors detected: Value '{long=[KeySchemaElement(attributeName=a, keyType=null)]}' at 'tables' failed to satisfy constraint: Map keys must satisfy constraint: [Member must have length less than or equal to 3]; Value null at 'tables.long.member.1.member.keyType' failed to satisfy constraint: Member must not be null",
    ],
  ];
  it.each(cases)('%j: %s', (body, message) => {
    expect(faultOf(() => check({ ...body }))).toEqual({ type: 'ValidationException', message });
  });

  it('at most ten failures are listed', () => {
    const KeySchema = Array.from({ length: 20 }, () => ({}));
    const { message } = faultOf(() => check({ TableName: 'abc', KeySchema }));
    expect(message).toMatch(/^10 validation errors detected: /);
    expect(message?.split('; ')).toHaveLength(10);
  });

  it('a failure can leave the value out, or the place too', () => {
    const quiet = compileShape(
      structure({
        Limit: integer({ min: 1, report: { kind: 'member', path: 'Limit' } }),
        Mode: string({ enum: ['A', 'B'], shownEnum: ['B', 'A'], report: { kind: 'bare' } }),
      }),
    );
    expect(faultOf(() => quiet({ Limit: 0, Mode: 'C' })).message).toBe(
      "2 validation errors detected: Value at 'Limit' failed to satisfy constraint: Member must have value greater than or equal to 1; Failed to satisfy constraint: Member must satisfy enum value set: [B, A]",
    );
  });

  it('of several violated constraints a shape can report the first only, length before pattern', () => {
    const first = compileShape(
      structure({ Name: string({ min: 3, pattern: '[a-z]+', reports: 'first' }) }),
    );
    expect(faultOf(() => first({ Name: '!' })).message).toBe(
      "1 validation error detected: Value '!' at 'name' failed to satisfy constraint: Member must have length greater than or equal to 3",
    );
  });

  it('stages are looked at one after the other, each on its own', () => {
    const staged = compileShape(structure({ A: integer({ min: 1 }), B: integer({ min: 1 }) }), {
      before: [
        stage(structure({ B: integer({ min: 2 }) })),
        stage(structure({ A: integer({ max: 5 }) }), { isBare: true }),
      ],
    });
    expect(faultOf(() => staged({ A: 0, B: 0 })).message).toBe(
      "1 validation error detected: Value '0' at 'b' failed to satisfy constraint: Member must have value greater than or equal to 2",
    );
    expect(faultOf(() => staged({ A: 9, B: 2 })).message).toBe(
      "Value '9' at 'a' failed to satisfy constraint: Member must have value less than or equal to 5",
    );
    expect(faultOf(() => staged({ A: 0, B: 2 })).message).toBe(
      "1 validation error detected: Value '0' at 'a' failed to satisfy constraint: Member must have value greater than or equal to 1",
    );
  });

  it('values are shown as the service shows them', () => {
    const shown = compileShape(structure({ Items: map(attributeMap(), { min: 3 }) }));
    const Items = { t: { a: { S: 'x' }, b: { L: [{ N: '1' }] } } };
    const attribute = (shownMembers: Record<string, string>) =>
      `AttributeValue(${['s', 'n', 'b', 'iNT', 'dECIMAL', 'dOUBLE', 'sS', 'nS', 'bS', 'iNTSET', 'dECIMALSET', 'dOUBLESET', 'm', 'l', 'nULL', 'bOOL'].map((name) => `${name}=${shownMembers[name] ?? 'null'}`).join(', ')})`;
    expect(faultOf(() => shown({ Items })).message).toBe(
      `1 validation error detected: Value '{t={a=${attribute({ s: 'x' })}, b=${attribute({ l: '[{"N":"1"}]' })}}}' at 'items' failed to satisfy constraint: Member must have length greater than or equal to 3`,
    );
  });

  it('a huge value is cut in the message', () => {
    const { message } = faultOf(() => check({ TableName: 'x'.repeat(1_000_000) }));
    expect(message?.length).toBeLessThan(70_000);
  });
});
