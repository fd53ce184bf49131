import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { Histogram as PlainHistogram } from '../replication/metrics.ts';

/** One number and what it is of. */
export interface Sample {
  readonly labels?: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface HistogramSample {
  readonly labels?: Readonly<Record<string, string>>;
  readonly histogram: PlainHistogram;
}

export interface MetricHead {
  /** Behind `trestle_`: a CloudWatch name in snake case where there is one, with its unit last. */
  readonly name: string;
  readonly help: string;
  readonly labels?: readonly string[];
}

const PREFIX = 'trestle_';

/**
 * The metrics of one process. Nothing is counted here: the parts of the process count for
 * themselves, in plain numbers, and are read when somebody asks.
 */
export class MetricsPage {
  readonly #registry = new Registry();

  constructor() {
    collectDefaultMetrics({ register: this.#registry });
  }

  /** What only rises while the process lives. */
  counter(head: MetricHead, read: () => Iterable<Sample>): void {
    const configuration = this.#configurationOf(head);
    new Counter({
      ...configuration,
      collect() {
        this.reset();
        for (const { labels, value } of read()) this.inc({ ...labels }, value);
      },
    });
  }

  gauge(head: MetricHead, read: () => Iterable<Sample>): void {
    const configuration = this.#configurationOf(head);
    new Gauge({
      ...configuration,
      collect() {
        this.reset();
        for (const { labels, value } of read()) this.set({ ...labels }, value);
      },
    });
  }

  /** @param scale from the histograms' unit to the metric's */
  histogram(head: MetricHead, scale: number, read: () => Iterable<HistogramSample>): void {
    this.#registry.registerMetric(new ReadHistogram(PREFIX + head.name, head.help, scale, read));
  }

  async text(): Promise<{ readonly contentType: string; readonly text: string }> {
    return { contentType: this.#registry.contentType, text: await this.#registry.metrics() };
  }

  #configurationOf({ name, help, labels = [] }: MetricHead) {
    return { name: PREFIX + name, help, labelNames: [...labels], registers: [this.#registry] };
  }
}

/** prom-client's histograms are filled by observing; this one shows counts that exist already. */
class ReadHistogram extends Histogram {
  readonly #head: { readonly name: string; readonly help: string };
  readonly #scale: number;
  readonly #read: () => Iterable<HistogramSample>;

  constructor(name: string, help: string, scale: number, read: () => Iterable<HistogramSample>) {
    super({ name, help, registers: [] });
    this.#head = { name, help };
    this.#scale = scale;
    this.#read = read;
  }

  override get() {
    return this.getForPromString();
  }

  /** What the registry asks for. */
  async getForPromString(): ReturnType<Histogram['get']> {
    const { name, help } = this.#head;
    const values = Array.from(this.#read(), (sample) => rowsOf(name, this.#scale, sample)).flat();
    const collect = () => undefined;
    // prom-client's declaration takes the type of metric for a number; its code, for a word.
    return { name, help, type: 'histogram' as never, aggregator: 'sum', collect, values };
  }
}

function rowsOf(name: string, scale: number, { labels = {}, histogram }: HistogramSample) {
  const { buckets, counts, sum, count } = histogram;
  let below = 0;
  const rows = buckets.map((bound, index) => {
    below += counts[index] ?? 0;
    return row(`${name}_bucket`, below, { ...labels, le: String(rounded(bound * scale)) });
  });
  return [
    ...rows,
    row(`${name}_bucket`, count, { ...labels, le: '+Inf' }),
    row(`${name}_sum`, sum * scale, labels),
    row(`${name}_count`, count, labels),
  ];
}

function row(metricName: string, value: number, labels: Readonly<Record<string, string>>) {
  return { metricName, value, labels };
}

/** 0.1 ms is 0.0001 s, and not 0.00010000000000000002. */
function rounded(bound: number): number {
  return Number(bound.toPrecision(12));
}
