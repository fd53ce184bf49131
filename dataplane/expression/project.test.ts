import { describe, expect, it } from 'vitest';
import type { AttributeMap, Item } from '../item/attribute-value.ts';
import { project, projectTopLevel } from './project.ts';
import { parseProjection } from './projection-parser.ts';
import { Substitutions } from './substitutions.ts';

const item: Item = {
  pk: { S: 'k' },
  a: {
    M: {
      b: { S: 'dog' },
      c: { L: [{ N: '0' }, { M: { x: { N: '1' }, y: { N: '2' }, z: { N: '3' } } }, { N: '2' }] },
      bare: { M: {} },
    },
  },
  l: { L: [{ L: [{ S: '00' }, { S: '01' }] }, { S: '1' }, { S: '2' }] },
  s: { S: 'text' },
};

describe('project', () => {
  it.each<[string, AttributeMap]>([
    ['s, pk', { s: { S: 'text' }, pk: { S: 'k' } }],
    ['gone', {}],
    ['a.gone, s.x, l[9]', {}],
    ['a.b', { a: { M: { b: { S: 'dog' } } } }],
    ['a.bare', { a: { M: { bare: { M: {} } } } }],
    ['a.bare.x', {}],
    ['l[2], l[1]', { l: { L: [{ S: '1' }, { S: '2' }] } }],
    ['l[0][1]', { l: { L: [{ L: [{ S: '01' }] }] } }],
    ['a.c[1].y, a.c[1].x', { a: { M: { c: { L: [{ M: { x: { N: '1' }, y: { N: '2' } } }] } } } }],
    ['a.c[2], a.c[1].gone, a.b', { a: { M: { c: { L: [{ N: '2' }] }, b: { S: 'dog' } } } }],
  ])('%s', (text, part) => {
    expect(project(parseProjection(text, new Substitutions(undefined, undefined)), item)).toEqual(
      part,
    );
  });

  it('prototype names are attributes as others are', () => {
    const proto = JSON.parse('{"__proto__": {"M": {"__proto__": {"N": "1"}}}}') as Item;
    expect(JSON.stringify(project([['__proto__', '__proto__']], proto))).toBe(
      JSON.stringify(proto),
    );
    expect(JSON.stringify(projectTopLevel(['__proto__', 'toString'], proto))).toBe(
      JSON.stringify(proto),
    );
  });

  it('whole values are shared, not copied', () => {
    expect(project([['a']], item).a).toBe(item.a);
  });
});

describe('projectTopLevel', () => {
  it('takes the named attributes that are there', () => {
    expect(projectTopLevel(['s', 'gone', 'pk'], item)).toEqual({
      s: { S: 'text' },
      pk: { S: 'k' },
    });
  });
});
