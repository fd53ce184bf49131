/** Counts of a Prometheus histogram: what was at most `le`, cumulative, in order of `le`. */
export type HistogramCounts = readonly { readonly le: number; readonly count: number }[];

/** A histogram without labels of its own, from the text format. Empty when there is none of that name. */
export function histogramOf(text: string, name: string): HistogramCounts {
  const line = new RegExp(`^${name}_bucket\\{le="([^"]+)"\\} ([0-9.e+]+)$`, 'gm');
  return Array.from(text.matchAll(line), ([, le, count]) => ({
    le: le === '+Inf' ? Number.POSITIVE_INFINITY : Number(le),
    count: Number(count),
  }));
}

/** What came to it since an earlier reading. */
export function since(before: HistogramCounts, after: HistogramCounts): HistogramCounts {
  return after.map(({ le, count }, index) => ({ le, count: count - (before[index]?.count ?? 0) }));
}

/** Several of the same buckets as one. */
export function sumOf(all: readonly HistogramCounts[]): HistogramCounts {
  return (all[0] ?? []).map(({ le }, index) => ({
    le,
    count: all.reduce((sum, counts) => sum + (counts[index]?.count ?? 0), 0),
  }));
}

/** The median, as if values were spread evenly over their bucket; 0 of none. */
export function medianOf(counts: HistogramCounts): number {
  const total = counts.at(-1)?.count ?? 0;
  let from = { le: 0, count: 0 };
  for (const bucket of counts) {
    if (bucket.count >= total / 2 && bucket.count > from.count) {
      if (!Number.isFinite(bucket.le)) return from.le;
      const part = (total / 2 - from.count) / (bucket.count - from.count);
      return from.le + part * (bucket.le - from.le);
    }
    from = bucket;
  }
  return 0;
}
