import type { CallContext, Operation, ResponseBody } from '../api/operation.ts';
import { ClientFault, type FaultType } from '../errors/client-fault.ts';
import { durationBucketsMs, Histogram } from '../replication/metrics.ts';

/** What became of the requests of one operation, since the start. */
export interface OperationCount {
  readonly name: string;
  /** Of requests that succeeded, in ms. */
  readonly latencyMs: Histogram;
  /** By type. */
  readonly faults: Map<FaultType, number>;
  /** Neither answered nor a fault of the client: a defect, or the cluster could not do it. */
  systemErrors: number;
  inFlight: number;
}

/** Counts what a router's operations do, whatever they are. */
export class OperationCounts {
  readonly #counts: OperationCount[] = [];
  readonly #nowMs: () => number;

  /** @param nowMs monotonic */
  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  get all(): readonly OperationCount[] {
    return this.#counts;
  }

  /** The same operation, counted. Once for each name. */
  counted<C extends CallContext>(operation: Operation<C>): Operation<C> {
    const { name, handle, ...rest } = operation;
    const count: OperationCount = {
      name,
      latencyMs: new Histogram(durationBucketsMs),
      faults: new Map(),
      systemErrors: 0,
      inFlight: 0,
    };
    this.#counts.push(count);
    return {
      ...rest,
      name,
      handle: (body, context) => {
        const startMs = this.#nowMs();
        count.inFlight += 1;
        try {
          const result = handle(body, context);
          if (result instanceof Promise) return this.#whenDone(result, count, startMs);
          this.#succeeded(count, startMs);
          return result;
        } catch (error) {
          failed(count, error);
          throw error;
        }
      },
    };
  }

  #whenDone(
    result: Promise<ResponseBody>,
    count: OperationCount,
    startMs: number,
  ): Promise<ResponseBody> {
    return result.then(
      (body) => {
        this.#succeeded(count, startMs);
        return body;
      },
      (error: unknown) => {
        failed(count, error);
        throw error;
      },
    );
  }

  #succeeded(count: OperationCount, startMs: number): void {
    count.inFlight -= 1;
    count.latencyMs.observe(this.#nowMs() - startMs);
  }
}

function failed(count: OperationCount, error: unknown): void {
  count.inFlight -= 1;
  if (error instanceof ClientFault && error.type !== 'InternalServerError') {
    count.faults.set(error.type, (count.faults.get(error.type) ?? 0) + 1);
  } else {
    count.systemErrors += 1;
  }
}
