import { createHash } from 'node:crypto';

/**
 * The steps on L2's cells, each atomic for each of its keys. They are the whole of the protocol: see
 * README.md for why an old value cannot stay under them, whoever else is at work and whatever
 * Redis forgets meanwhile. `cell-rules.fixture.ts` has the same rules for the exhaustive test, and a test
 * compares both.
 */
export interface Script {
  readonly name: string;
  readonly source: string;
  readonly sha: string;
}

/** ARGV: lease, its ms. Returns the cells; nil: the lease was planted. */
export const readScript = script(
  'read',
  `
  local found = {}
  for i, key in ipairs(KEYS) do
    local cell = redis.call('GET', key)
    if not cell then redis.call('SET', key, ARGV[1], 'PX', ARGV[2]) end
    found[i] = cell
  end
  return found`,
);

/** ARGV: lease; then for each key the cell to store ('' gives the lease back); then for each key its ms. */
export const fillScript = script(
  'fill',
  `
  local n = #KEYS
  for i, key in ipairs(KEYS) do
    if redis.call('GET', key) == ARGV[1] then
      if ARGV[1 + i] == '' then redis.call('DEL', key)
      else redis.call('SET', key, ARGV[1 + i], 'PX', ARGV[1 + n + i]) end
    end
  end
  return n`,
);

/** ARGV: the writer's token, ms. */
export const markScript = script(
  'mark',
  `
  for _, key in ipairs(KEYS) do
    local cell = redis.call('GET', key)
    local kind = cell and string.sub(cell, 1, 1)
    if kind == 'w' or kind == 'x' then redis.call('SET', key, 'x' .. ARGV[1], 'PX', ARGV[2])
    elseif kind ~= 'h' then redis.call('SET', key, 'w' .. ARGV[1], 'PX', ARGV[2]) end
  end
  return #KEYS`,
);

/**
 * ARGV: the writer's token; then for each key the cell to store ('': none); then for each key its ms.
 * Stores if exactly the writer's mark is there, else deletes; a hold stays.
 */
export const finishScript = script(
  'finish',
  `
  local n = #KEYS
  for i, key in ipairs(KEYS) do
    local cell = redis.call('GET', key)
    if cell == 'w' .. ARGV[1] and ARGV[1 + i] ~= '' then
      redis.call('SET', key, ARGV[1 + i], 'PX', ARGV[1 + n + i])
    elseif cell and string.sub(cell, 1, 1) ~= 'h' then redis.call('DEL', key) end
  end
  return n`,
);

/** ARGV: a token, ms. */
export const holdScript = script(
  'hold',
  `
  for _, key in ipairs(KEYS) do redis.call('SET', key, 'h' .. ARGV[1], 'PX', ARGV[2]) end
  return #KEYS`,
);

export const scripts: readonly Script[] = [
  readScript,
  fillScript,
  markScript,
  finishScript,
  holdScript,
];

function script(name: string, source: string): Script {
  return { name, source, sha: createHash('sha1').update(source).digest('hex') };
}
