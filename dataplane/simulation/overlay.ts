/** The object as it is, but for some members. */
export function overlaid<T extends object>(target: T, members: Partial<T>): T {
  return new Proxy(target, {
    get(_, name) {
      const owner = Object.hasOwn(members, name) ? members : target;
      // Private members are the target's own: it has to be `this`.
      const value: unknown = Reflect.get(owner, name, owner);
      return typeof value === 'function' ? value.bind(owner) : value;
    },
    set: (_, name, value) => Reflect.set(target, name, value, target),
  });
}
