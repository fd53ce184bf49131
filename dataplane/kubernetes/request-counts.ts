export interface RequestCount {
  /** Kubernetes' word: `get`, `list`, `watch`, `create`, `patch`, `delete`. */
  readonly verb: string;
  /** The plural, with a subresource behind a slash. */
  readonly resource: string;
  /** Of the answer; 0 without one. */
  readonly status: number;
  readonly count: number;
}

/** What was asked of the API server, in plain numbers that metrics read. Bounded by verbs, kinds and statuses. */
export class RequestCounts {
  readonly #counts = new Map<string, RequestCount>();
  #total = 0;

  add(verb: string, resource: string, status: number): void {
    const key = `${verb} ${resource} ${status}`;
    const count = (this.#counts.get(key)?.count ?? 0) + 1;
    this.#counts.set(key, { verb, resource, status, count });
    this.#total += 1;
  }

  get total(): number {
    return this.#total;
  }

  [Symbol.iterator](): Iterator<RequestCount> {
    return this.#counts.values();
  }
}
