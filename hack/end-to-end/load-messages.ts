/** What the scenarios say to the load's process. */
export type LoadCommand =
  | { readonly kind: 'start'; readonly settings: LoadSettings }
  /** Counts begin anew. */
  | { readonly kind: 'begin' }
  | { readonly kind: 'end' }
  | { readonly kind: 'pause' }
  | { readonly kind: 'resume' }
  /** Reads all that was ever acknowledged; the load should be paused. */
  | { readonly kind: 'verify' };

/** What it answers, in the order it was asked. */
export type LoadAnswer =
  | { readonly kind: 'done' }
  | { readonly kind: 'window'; readonly window: LoadWindow }
  | {
      readonly kind: 'verified';
      readonly acknowledgedCount: number;
      readonly missing: readonly string[];
    }
  | { readonly kind: 'failed'; readonly message: string };

/**
 * Of each request to a cache. Amazon's client hands a pooled connection out again whose node has gone, and such a request
 * never ends, without any time-out of its own (reference/dax-protocol.md): a program needs one.
 */
export const CACHE_REQUEST_MS_MAX = 5_000;

/** How a client by TLS knows whom it talks to. */
export interface TlsTrust {
  /** Certificates that it trusts, PEM. */
  readonly ca: string;
  /** The name that the server's certificate must have. */
  readonly servername: string;
}

export interface LoadSettings {
  readonly endpoint: string;
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly table: string;
  /** What partition keys begin with: two loads of one table do not share items. */
  readonly keyPrefix: string;
  /** Each with a partition key of its own: together they touch all partitions. */
  readonly writersCount: number;
  /** Of a writer between two requests. */
  readonly pauseMs: number;
  /** With an https endpoint. */
  readonly tls?: TlsTrust;
}

/** What clients saw from `begin` to `end`. */
export interface LoadWindow {
  readonly durationMs: number;
  readonly writesCount: number;
  readonly readsCount: number;
  /** What the SDK threw after its own retries. */
  readonly errors: readonly string[];
  /** Reads that did not give what had been acknowledged. */
  readonly wrongReads: readonly string[];
  /** The longest time in which no write of one partition key was acknowledged. */
  readonly longestGapMs: number;
  readonly slowestMs: number;
  readonly medianMs: number;
  /** The longest time for which the load's own process stood still: no fault of what it calls. */
  readonly stalledMs: number;
}
