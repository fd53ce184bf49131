import { type ParseArgsOptionsConfig, parseArgs } from 'node:util';

/** A wrong command line; its message is for people. */
export class UsageError extends Error {}

/**
 * The values of a command line without positional words.
 * @throws UsageError
 */
export function readValues<Config extends ParseArgsOptionsConfig>(
  args: readonly string[],
  options: Config,
) {
  try {
    return parseArgs({ args: [...args], options }).values;
  } catch (error) {
    if (error instanceof TypeError) throw new UsageError(error.message);
    throw error;
  }
}

/**
 * The parts that a list like `reads,idle` names; all without one.
 * @throws UsageError
 */
export function partsOf<Name extends string>(
  names: readonly Name[],
  text: string | undefined,
): readonly Name[] {
  if (text === undefined) return names;
  return text.split(',').map((word) => {
    const part = names.find((name) => name === word.trim());
    if (part === undefined) throw new UsageError(`not one of ${names.join(', ')}: ${word}`);
    return part;
  });
}

/** @throws UsageError */
export function numberOf(name: string, text: string): number {
  const value = Number(text);
  if (value > 0 && Number.isFinite(value)) return value;
  throw new UsageError(`--${name} needs a number above 0, not '${text}'`);
}

/** @throws UsageError */
export function countOf(name: string, text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value > 0) return value;
  throw new UsageError(`--${name} needs a whole number above 0, not '${text}'`);
}
