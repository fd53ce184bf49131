/** Something that will happen at a moment of virtual time. */
export interface SimEvent {
  /** Microseconds of virtual time: integers, so that sums are exact. */
  atUs: number;
  /** Orders events of one instant before `order` does; equal for events of one process. */
  tie: number;
  /** Counts up: events of one process at one instant run in the order they were made. */
  order: number;
  /** Index of its process; 0: the world itself. */
  readonly process: number;
  /** What it is, for people and for the trace. */
  readonly label: string;
  readonly isTimer: boolean;
  /** Undefined once cancelled. */
  fn: (() => void) | undefined;
}

/**
 * Events by (atUs, tie, order): a binary heap. That order is total, so what comes out never depends
 * on how the heap happens to be arranged.
 *
 * Cancelled events stay until they surface, or until they are more than half of all.
 */
export class EventQueue {
  #heap: SimEvent[] = [];
  #cancelledCount = 0;

  get length(): number {
    return this.#heap.length - this.#cancelledCount;
  }

  push(event: SimEvent): void {
    const heap = this.#heap;
    let index = heap.length;
    heap.push(event);
    while (index > 0) {
      const parentIndex = (index - 1) >> 1;
      const parent = heap[parentIndex];
      if (parent === undefined || isBefore(parent, event)) {
        break;
      }
      heap[index] = parent;
      index = parentIndex;
    }
    heap[index] = event;
  }

  /** The next event that was not cancelled. */
  peek(): SimEvent | undefined {
    let first = this.#heap[0];
    while (first !== undefined && first.fn === undefined) {
      this.#removeFirst();
      this.#cancelledCount -= 1;
      first = this.#heap[0];
    }
    return first;
  }

  pop(): SimEvent | undefined {
    const first = this.peek();
    if (first !== undefined) {
      this.#removeFirst();
    }
    return first;
  }

  /** Call it once for an event that is in the queue. */
  cancel(event: SimEvent): void {
    event.fn = undefined;
    this.#cancelledCount += 1;
    if (this.#cancelledCount > cancelledMin && 2 * this.#cancelledCount > this.#heap.length) {
      // A sorted array is a heap.
      this.#heap = this.#heap
        .filter(({ fn }) => fn !== undefined)
        .sort((one, other) => (isBefore(one, other) ? -1 : 1));
      this.#cancelledCount = 0;
    }
  }

  #removeFirst(): void {
    const heap = this.#heap;
    const moved = heap.pop();
    const { length } = heap;
    if (moved === undefined || length === 0) {
      return;
    }
    let index = 0;
    for (;;) {
      let childIndex = 2 * index + 1;
      let child = heap[childIndex];
      const right = heap[childIndex + 1];
      if (child !== undefined && right !== undefined && isBefore(right, child)) {
        childIndex += 1;
        child = right;
      }
      if (child === undefined || isBefore(moved, child)) {
        break;
      }
      heap[index] = child;
      index = childIndex;
    }
    heap[index] = moved;
  }
}

/** Fewer cancelled events than this are not worth a sweep. */
const cancelledMin = 1_024;

function isBefore(one: SimEvent, other: SimEvent): boolean {
  if (one.atUs !== other.atUs) {
    return one.atUs < other.atUs;
  }
  return one.tie !== other.tie ? one.tie < other.tie : one.order < other.order;
}
