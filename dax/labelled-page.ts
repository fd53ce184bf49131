import { type HistogramSample, MetricsPage, type Sample } from '../dataplane/admin/metrics-page.ts';

/** A page of metrics that all have the same labels, and `dax_` before their names. */
export class LabelledPage {
  readonly page = new MetricsPage();
  readonly #labels: Readonly<Record<string, string>>;

  constructor(labels: Readonly<Record<string, string>>) {
    this.#labels = labels;
  }

  /** `_total` is put behind the name. @param labels of the samples, beside those of the page */
  counter(
    name: string,
    help: string,
    read: () => number | Iterable<Sample>,
    labels: readonly string[] = [],
  ): void {
    this.page.counter(this.#head(`${name}_total`, help, labels), () => this.#samples(read()));
  }

  gauge(
    name: string,
    help: string,
    read: () => number | Iterable<Sample>,
    labels: readonly string[] = [],
  ): void {
    this.page.gauge(this.#head(name, help, labels), () => this.#samples(read()));
  }

  /** Of ms, shown as seconds. */
  histogram(name: string, help: string, read: () => Iterable<HistogramSample>): void {
    this.page.histogram({ name: `dax_${name}`, help }, 1e-3, () =>
      Array.from(read(), ({ labels, histogram }) => ({
        labels: { ...this.#labels, ...labels },
        histogram,
      })),
    );
  }

  #head(name: string, help: string, labels: readonly string[]) {
    return { name: `dax_${name}`, help, labels: [...Object.keys(this.#labels), ...labels] };
  }

  #samples(read: number | Iterable<Sample>): Sample[] {
    if (typeof read === 'number') return [{ labels: this.#labels, value: read }];
    return Array.from(read, ({ labels, value }) => ({
      labels: { ...this.#labels, ...labels },
      value,
    }));
  }
}
