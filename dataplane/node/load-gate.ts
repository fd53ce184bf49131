/**
 * A bound on what is under way at once: so many pieces, so many bytes. Nothing waits here; what does
 * not fit is refused, so that queues stay short and failures fast.
 */
export class LoadGate {
  readonly #countMax: number;
  readonly #bytesMax: number;
  /** Bounds this one and others together. */
  readonly #outer: LoadGate | undefined;
  #count = 0;
  #bytes = 0;

  constructor(
    { countMax, bytesMax }: { readonly countMax: number; readonly bytesMax: number },
    outer?: LoadGate,
  ) {
    this.#countMax = countMax;
    this.#bytesMax = bytesMax;
    this.#outer = outer;
  }

  /** Whether there was room; if so, `leave` must follow. A piece larger than all room may be alone. */
  enter(bytes: number): boolean {
    if (this.#count >= this.#countMax) return false;
    if (this.#count > 0 && this.#bytes + bytes > this.#bytesMax) return false;
    if (this.#outer?.enter(bytes) === false) return false;
    this.#count += 1;
    this.#bytes += bytes;
    return true;
  }

  leave(bytes: number): void {
    this.#outer?.leave(bytes);
    this.#count -= 1;
    this.#bytes -= bytes;
  }

  get count(): number {
    return this.#count;
  }
}
