export interface Clock {
  /** Whole milliseconds since 1970. Never goes back. */
  nowMs(): number;
}

/** The machine's clock as it was at the start of the process, going on evenly from there. */
export const evenClock: Clock = {
  nowMs: () => Math.floor(performance.timeOrigin + performance.now()),
};
