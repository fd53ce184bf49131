import { expect, it } from 'vitest';
import { FilterPattern, FilterPatternError } from './filter-pattern.ts';

/** The record of AWS's page on filters of DynamoDB events. */
const PAT = {
  eventID: '1',
  eventName: 'INSERT',
  eventVersion: '1.0',
  dynamodb: {
    ApproximateCreationDateTime: 1678831218,
    Keys: { CustomerName: { S: 'AnyCompany Industries' } },
    NewImage: {
      AccountManager: { S: 'Pat Candella' },
      PaymentTerms: { S: '60 days' },
      CustomerName: { S: 'AnyCompany Industries' },
    },
    SequenceNumber: '111',
    SizeBytes: 26,
    StreamViewType: 'NEW_IMAGE',
  },
};
/** The item of its section on `exists`. */
const JOHN = {
  eventName: 'MODIFY',
  dynamodb: {
    NewImage: {
      UserID: { S: '12345' },
      Name: { S: 'John Doe' },
      Organizations: { L: [{ S: 'Sales' }, { S: 'Marketing' }, { S: 'Support' }] },
    },
  },
};
const EXPIRED = {
  eventName: 'REMOVE',
  userIdentity: { type: 'Service', principalId: 'dynamodb.amazonaws.com' },
  dynamodb: { OldImage: { id: { S: '1' } } },
};
/** Plain fields, for the table of comparison operators. */
const ORDER = {
  UserID: null,
  LastName: '',
  Name: 'Alice',
  Location: 'New York',
  Day: 'Monday',
  PaymentType: 'Debit',
  Weather: 'Sunny',
  Price: 15,
  ProductName: 'shoe',
  Region: 'us-east-1',
  FileName: 'a.png',
  Tags: ['one', 'two'],
  Paid: true,
};

const newImage = (fields: object) => ({ dynamodb: { NewImage: fields } });

it.each<[string, object, object, boolean]>([
  // AWS: "Using event filtering with a DynamoDB event source"
  ['keys', { dynamodb: { Keys: { CustomerName: { S: ['AnyCompany Industries'] } } } }, PAT, true],
  ['other keys', { dynamodb: { Keys: { CustomerName: { S: ['Other'] } } } }, PAT, false],
  [
    'attribute',
    newImage({ AccountManager: { S: ['Pat Candella', 'Shirley Rodriguez'] } }),
    PAT,
    true,
  ],
  ['old image that is not there', { dynamodb: { OldImage: { a: { S: ['b'] } } } }, PAT, false],
  [
    'and',
    newImage({ AccountManager: { S: ['Pat Candella'] }, PaymentTerms: { S: ['60 days'] } }),
    PAT,
    true,
  ],
  [
    'and, one of which fails',
    newImage({ AccountManager: { S: ['Pat Candella'] }, PaymentTerms: { S: ['30 days'] } }),
    PAT,
    false,
  ],
  ['exists on what is no leaf', newImage({ Organizations: [{ exists: true }] }), JOHN, false],
  ['exists on a leaf', newImage({ Organizations: { L: { S: [{ exists: true }] } } }), JOHN, true],
  ['event name', { eventName: ['INSERT'] }, PAT, true],
  ['event name of another', { eventName: ['INSERT', 'REMOVE'] }, JOHN, false],
  [
    'time to live',
    { userIdentity: { type: ['Service'], principalId: ['dynamodb.amazonaws.com'] } },
    EXPIRED,
    true,
  ],
  [
    'no time to live',
    { userIdentity: { type: ['Service'], principalId: ['dynamodb.amazonaws.com'] } },
    PAT,
    false,
  ],
  // AWS: "Filter rule syntax"
  ['null', { UserID: [null] }, ORDER, true],
  ['null is no text', { UserID: [''] }, ORDER, false],
  ['empty', { LastName: [''] }, ORDER, true],
  ['empty is not null', { LastName: [null] }, ORDER, false],
  ['equals', { Name: ['Alice'] }, ORDER, true],
  ['equals, case', { Name: ['alice'] }, ORDER, false],
  ['equals, ignoring case', { Name: [{ 'equals-ignore-case': 'alice' }] }, ORDER, true],
  ['and', { Location: ['New York'], Day: ['Monday'] }, ORDER, true],
  ['or', { PaymentType: ['Credit', 'Debit'] }, ORDER, true],
  ['or of fields', { $or: [{ Location: ['Rome'] }, { Day: ['Monday'] }] }, ORDER, true],
  ['or of fields, none', { $or: [{ Location: ['Rome'] }, { Day: ['Friday'] }] }, ORDER, false],
  ['not', { Weather: [{ 'anything-but': ['Raining'] }] }, ORDER, true],
  ['not, but it is', { Weather: [{ 'anything-but': ['Sunny', 'Raining'] }] }, ORDER, false],
  ['not, of what is not there', { Wind: [{ 'anything-but': ['strong'] }] }, ORDER, false],
  ['not, a single text', { Weather: [{ 'anything-but': 'Sunny' }] }, ORDER, false],
  ['not, a number', { Price: [{ 'anything-but': [10, 20] }] }, ORDER, true],
  ['not a prefix', { Region: [{ 'anything-but': { prefix: 'us-' } }] }, ORDER, false],
  ['not a suffix', { FileName: [{ 'anything-but': { suffix: '.jpg' } }] }, ORDER, true],
  ['numeric, equals', { Price: [{ numeric: ['=', 15] }] }, ORDER, true],
  ['numeric, equals not', { Price: [{ numeric: ['=', 100] }] }, ORDER, false],
  ['numeric, range', { Price: [{ numeric: ['>', 10, '<=', 20] }] }, ORDER, true],
  ['numeric, range from above', { Price: [{ numeric: ['<=', 20, '>', 10] }] }, ORDER, true],
  ['numeric, at the bound', { Price: [{ numeric: ['>', 15, '<=', 20] }] }, ORDER, false],
  ['numeric, of a text', { Name: [{ numeric: ['>', 0] }] }, ORDER, false],
  ['exists', { ProductName: [{ exists: true }] }, ORDER, true],
  ['exists not', { ProductName: [{ exists: false }] }, ORDER, false],
  ['does not exist', { Discount: [{ exists: false }] }, ORDER, true],
  ['does not exist, nor what would hold it', { a: { b: [{ exists: false }] } }, ORDER, true],
  ['begins with', { Region: [{ prefix: 'us-' }] }, ORDER, true],
  ['ends with', { FileName: [{ suffix: '.png' }] }, ORDER, true],
  ['a boolean', { Paid: [true] }, ORDER, true],
  ['a boolean that is not', { Paid: [false] }, ORDER, false],
  // aws/event-ruler: lists
  ['in a list', { Tags: ['two'] }, ORDER, true],
  ['not in a list', { Tags: ['three'] }, ORDER, false],
  ['absent or a value', { Discount: [{ exists: false }, 5] }, ORDER, true],
  // event-ruler: $or beside other fields, and inside objects
  ['or beside and', { Name: ['Bob'], $or: [{ Day: ['Monday'] }, { Price: [1] }] }, ORDER, false],
  [
    'or inside',
    newImage({ $or: [{ Name: { S: ['John Doe'] } }, { UserID: { S: ['0'] } }] }),
    JOHN,
    true,
  ],
])('filter pattern: %s', (_, pattern, event, isMatch) => {
  expect(FilterPattern.parse(JSON.stringify(pattern)).matches(event)).toBe(isMatch);
});

it('filter pattern: the fields of a pattern match in one and the same element of a list', () => {
  const pattern = FilterPattern.parse('{"a":{"x":[1],"y":[2]}}');
  expect(
    pattern.matches({
      a: [
        { x: 1, y: 3 },
        { x: 1, y: 2 },
      ],
    }),
  ).toBe(true);
  expect(
    pattern.matches({
      a: [
        { x: 1, y: 3 },
        { x: 4, y: 2 },
      ],
    }),
  ).toBe(false);
});

it('filter pattern: what exists in another element of a list does exist', () => {
  const pattern = FilterPattern.parse('{"a":{"x":[{"exists":false}]}}');
  expect(pattern.matches({ a: [{ x: 1 }, { y: 2 }] })).toBe(false);
  expect(pattern.matches({ a: [{ y: 2 }] })).toBe(true);
  expect(pattern.matches({ a: [] })).toBe(true);
});

it('filter pattern: what does not exist is looked for once, however long a list is', () => {
  const pattern = FilterPattern.parse('{"list":{"a":[{"exists":false}],"b":["other"]}}');
  const reads = { count: 0 };
  const element = {
    get b() {
      reads.count += 1;
      return 'this';
    },
  };
  // Each element is asked for b once; the whole list for a once, not again for each element.
  const list = new Proxy(Array(1_000).fill(element), {
    get: (target, name, receiver) => {
      if (name === '0') reads.count += 1;
      return Reflect.get(target, name, receiver);
    },
  });
  expect(pattern.matches({ list })).toBe(false);
  expect(reads.count).toBeLessThan(1_010);
});

it('filter pattern: a number of an item is compared as the number that it is', () => {
  const pattern = FilterPattern.parse(
    '{"dynamodb":{"NewImage":{"salary":{"N":[{"numeric":[">",50000]}]}}}}',
  );
  expect(pattern.matches(newImage({ salary: { N: '50000.0000000000000000000001' } }))).toBe(true);
  expect(pattern.matches(newImage({ salary: { N: '50000' } }))).toBe(false);
  expect(pattern.matches(newImage({ salary: { N: '9' } }))).toBe(false);
  expect(pattern.matches(newImage({ salary: { S: '60000' } }))).toBe(false);
});

it('filter pattern: a field that is called like a member of every object is no match', () => {
  expect(FilterPattern.parse('{"constructor":[{"exists":true}]}').matches({})).toBe(false);
  expect(FilterPattern.parse('{"__proto__x":{"a":[{"exists":false}]}}').matches({})).toBe(true);
});

it.each([
  ['not json', 'a filter pattern is a JSON object'],
  ['[1]', 'a filter pattern is a JSON object'],
  ['{}', 'filter pattern: the pattern is an empty object'],
  ['{"a":1}', 'filter pattern: a is neither an object nor a list of rules'],
  ['{"a":{"b":[]}}', 'filter pattern: a.b is an empty list'],
  ['{"a":[{}]}', 'filter pattern: a has a rule that is none'],
  ['{"a":[[1]]}', 'filter pattern: a has a rule that is none'],
  ['{"a":[{"prefix":"x","suffix":"y"}]}', 'filter pattern: a has a rule that is none'],
  ['{"a":[{"wildcard":"x*"}]}', 'filter pattern: a has an unknown rule "wildcard"'],
  ['{"a":[{"exists":1}]}', 'filter pattern: a exists needs true or false'],
  ['{"a":[{"prefix":1}]}', 'filter pattern: a prefix needs a text'],
  [
    '{"a":[{"numeric":[">"]}]}',
    'filter pattern: a numeric needs a list of comparisons, like [">", 0, "<=", 5]',
  ],
  [
    '{"a":[{"numeric":[">",5,"<",5]}]}',
    'filter pattern: a numeric needs a lower bound that is below the upper one',
  ],
  [
    '{"a":[{"numeric":["=",5,"<",9]}]}',
    'filter pattern: a numeric needs a lower bound that is below the upper one',
  ],
  [
    '{"a":[{"numeric":[">",5,">",9]}]}',
    'filter pattern: a numeric needs a lower bound that is below the upper one',
  ],
  [
    '{"a":[{"numeric":["!",5]}]}',
    'filter pattern: a numeric needs a list of comparisons, like [">", 0, "<=", 5]',
  ],
  [
    '{"a":[{"anything-but":["x",1]}]}',
    'filter pattern: a anything-but needs a text, a number, a list of either, or a rule on texts',
  ],
  [`{"a":["${'x'.repeat(4096)}"]}`, 'a filter pattern has at most 4096 characters'],
])('filter pattern: %s is refused', (text, message) => {
  expect(() => FilterPattern.parse(text)).toThrow(new FilterPatternError(message));
});
