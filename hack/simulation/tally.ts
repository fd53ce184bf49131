import { Coverage } from '../../dataplane/simulation/coverage.ts';
import { expectedProbes } from '../../dataplane/simulation/expected-probes.ts';
import type { SeedResult } from './worker.ts';

/** Counts over all seeds of a run. */
export class Tally {
  seedsCount = 0;
  readonly failed: SeedResult[] = [];
  readonly #operations = new Map<string, number>();
  readonly #faults = new Map<string, number>();
  readonly #probes = new Coverage(expectedProbes);
  #eventsCount = 0;
  #virtualMs = 0;
  #cpuMs = 0;

  take(result: SeedResult): void {
    this.seedsCount += 1;
    if (result.failures.length > 0) this.failed.push(result);
    this.#eventsCount += result.eventsCount;
    this.#virtualMs += result.virtualMs;
    this.#cpuMs += result.cpuMs;
    addTo(this.#operations, result.operations);
    addTo(this.#faults, result.faults);
    this.#probes.add(new Coverage([], result.probes));
  }

  /** One line while it goes on. */
  get line(): string {
    const each = Math.round(this.#cpuMs / Math.max(1, this.seedsCount));
    return `${this.seedsCount} seeds, ${this.failed.length} failed, ${each} ms CPU each`;
  }

  /** For the end. */
  get text(): string {
    const hours = (this.#virtualMs / 3_600_000).toFixed(1);
    return [
      `${this.line}; ${this.#eventsCount} events, ${hours} hours of simulated time`,
      'Operations by outcome:',
      ...lines(this.#operations),
      'Faults:',
      ...lines(this.#faults),
      'Rare branches:',
      this.#probes.report(),
      `Failed: ${this.failed.map(({ seed }) => seed).join(', ') || 'none'}`,
    ].join('\n');
  }
}

function addTo(counts: Map<string, number>, more: SeedResult['operations']): void {
  for (const [name, count] of more) counts.set(name, (counts.get(name) ?? 0) + count);
}

function lines(counts: ReadonlyMap<string, number>): string[] {
  return [...counts]
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([name, count]) => `${String(count).padStart(9)}  ${name}`);
}
