/** What a process of clients is told at its start, as a message. */
export interface ClientSettings {
  /** Of the process: names of its clients, and their written values, begin with it. */
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly timeoutMs: number;
  readonly seed: string;
  /** The monotonic clock when the run began, in ns; a bigint as text. */
  readonly beginning: string;
  readonly historyFile: string;
  readonly clientsCount: number;
  readonly keysCount: number;
  readonly epochMs: number;
  /** Between an answer and the next operation of the same client, on average. */
  readonly thinkMs: number;
}

/** What it tells from time to time, and in the end. */
export interface ClientReport {
  /** Operation and outcome, such as `put ok`, and how often. */
  readonly counts: readonly (readonly [string, number])[];
  /** Answers that make no sense; the first few. */
  readonly surprises: readonly string[];
}
