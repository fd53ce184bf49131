/**
 * The part of the metadata API of `Reflect` that @peculiar/x509's container of algorithms asks for
 * when it is loaded. To be imported before it. A whole polyfill would be one more dependency.
 */

type Metadata = Map<unknown, unknown>;
const byTarget = new WeakMap<object, Metadata>();

function metadataOf(target: object): Metadata {
  const known = byTarget.get(target);
  if (known !== undefined) return known;
  const made: Metadata = new Map();
  byTarget.set(target, made);
  return made;
}

const api = {
  defineMetadata: (key: unknown, value: unknown, target: object) => {
    metadataOf(target).set(key, value);
  },
  getOwnMetadata: (key: unknown, target: object) => metadataOf(target).get(key),
  getMetadata: (key: unknown, target: object) => metadataOf(target).get(key),
};

for (const [name, value] of Object.entries(api)) {
  if (!(name in Reflect)) Object.defineProperty(Reflect, name, { value, configurable: true });
}
