/** Ends the reading with a complaint, like `needs a list at nodes`; the caller adds whose fault it is. */
export type Complain = (complaint: string) => never;

/**
 * An object of JSON that people or other programs wrote, read member by member with checks.
 * Complaints are one line and name the place, like `nodes[1].port`.
 */
export class JsonFields {
  readonly #fields: Readonly<Record<string, unknown>>;
  readonly #place: string;
  readonly #complain: Complain;

  /** @param place of the object; empty for the whole document */
  constructor(value: unknown, place: string, complain: Complain) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      complain(place === '' ? 'is not a JSON object' : `needs an object at ${place}`);
    }
    // Any object can be asked for any member; each is checked where it is read.
    this.#fields = value as Readonly<Record<string, unknown>>;
    this.#place = place;
    this.#complain = complain;
  }

  /** A misspelt name must not pass for a member that was left out. */
  only(...names: readonly string[]): void {
    for (const name of Object.keys(this.#fields)) {
      if (!names.includes(name)) {
        this.#complain(`has an unknown member ${this.#at(name)}; there is: ${names.join(', ')}`);
      }
    }
  }

  has(name: string): boolean {
    return this.#fields[name] !== undefined;
  }

  /** All members as they are. */
  get all(): Readonly<Record<string, unknown>> {
    return this.#fields;
  }

  /** The member as it is. */
  value(name: string): unknown {
    return this.#fields[name];
  }

  text(name: string, pattern: RegExp, what: string): string {
    const value = this.#fields[name];
    if (typeof value === 'string' && pattern.test(value)) return value;
    return this.#needs(what, name);
  }

  oneOf<T extends string>(name: string, choices: readonly T[]): T {
    const value = this.#fields[name];
    const choice = choices.find((candidate) => candidate === value);
    return choice ?? this.#needs(`one of ${choices.join(', ')}`, name);
  }

  flag(name: string): boolean {
    const value = this.#fields[name];
    return typeof value === 'boolean' ? value : this.#needs('true or false', name);
  }

  /** A whole number of these bounds, both included. */
  whole(name: string, least: number, most: number): number {
    const value = this.#fields[name];
    if (isWhole(value) && value >= least && value <= most) return value;
    return this.#needs(`a number from ${least} to ${most}`, name);
  }

  /** Objects. */
  list(name: string): JsonFields[] {
    return this.#elements(name).map(
      (element, index) => new JsonFields(element, `${this.#at(name)}[${index}]`, this.#complain),
    );
  }

  texts(name: string, pattern: RegExp, what: string): string[] {
    return this.#elements(name).map((element, index) => {
      if (typeof element === 'string' && pattern.test(element)) return element;
      return this.#needs(what, `${name}[${index}]`, element);
    });
  }

  wholes(name: string, least: number, most: number): number[] {
    return this.#elements(name).map((element, index) => {
      if (isWhole(element) && element >= least && element <= most) return element;
      return this.#needs(`a number from ${least} to ${most}`, `${name}[${index}]`, element);
    });
  }

  object(name: string): JsonFields | undefined {
    const value = this.#fields[name];
    if (value === undefined) return undefined;
    return new JsonFields(value, this.#at(name), this.#complain);
  }

  /** Whole numbers above 0, by names that `known` has. */
  numbers<T extends object>(known: T): Partial<T> {
    this.only(...Object.keys(known));
    for (const [name, value] of Object.entries(this.#fields)) {
      if (!isWhole(value) || value <= 0) this.#needs('a whole number above 0', name);
    }
    // Names and values have just been looked at.
    return this.#fields as Partial<T>;
  }

  #elements(name: string): readonly unknown[] {
    const value = this.#fields[name];
    return Array.isArray(value) ? value : this.#needs('a list', name);
  }

  #needs(what: string, name: string, value = this.#fields[name]): never {
    return this.#complain(`needs ${what} at ${this.#at(name)}${shown(value)}`);
  }

  #at(name: string): string {
    return this.#place === '' ? name : `${this.#place}.${name}`;
  }
}

function isWhole(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value);
}

function shown(value: unknown): string {
  return value === undefined ? '' : `, not ${JSON.stringify(value).slice(0, 100)}`;
}
