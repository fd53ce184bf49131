import { describe, expect, it } from 'vitest';
import { nextRequestId } from './request-id.ts';

describe('request ids', () => {
  it('are 52 characters of A-Z and 0-9 and never the same, over several fills of the pool', () => {
    const ids = new Set(Array.from({ length: 2000 }, nextRequestId));
    expect(ids.size).toBe(2000);
    for (const id of ids) expect(id).toMatch(/^[A-Z0-9]{52}$/);
  });
});
