/** One objection of the API server; of a conflict of field owners, one owner and field. */
export interface KubeErrorCause {
  /** `FieldManagerConflict`, `FieldValueInvalid`, ... */
  readonly reason: string;
  readonly message: string;
  /** `.spec.billingMode`; empty where it is not about a field. */
  readonly field: string;
}

export interface KubeErrorDetails {
  readonly status: number;
  readonly reason: string;
  readonly causes?: readonly KubeErrorCause[];
  readonly retryAfterMs?: number | undefined;
  readonly cause?: unknown;
}

/**
 * A call of the Kubernetes API that did not succeed. An operating error: the caller decides by `status`
 * whether to try again, to read again or to report it.
 */
export class KubeError extends Error {
  override readonly name = 'KubeError';
  /** Of HTTP; 0 when there was no whole answer. */
  readonly status: number;
  /** The server's (`NotFound`, `Conflict`, `Expired`, ...); without an answer `Unreachable`, `Timeout`, `Damaged` or `NotLeader`. */
  readonly reason: string;
  readonly causes: readonly KubeErrorCause[];
  /** The server asks to stay away for so long. */
  readonly retryAfterMs: number | undefined;

  constructor(message: string, details: KubeErrorDetails) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.status = details.status;
    this.reason = details.reason;
    this.causes = details.causes ?? [];
    this.retryAfterMs = details.retryAfterMs;
  }

  /** The same call may succeed later without anybody changing anything. */
  get isTransient(): boolean {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }

  static unreachable(what: string, cause: unknown): KubeError {
    const why = cause instanceof Error ? cause.message : String(cause);
    return new KubeError(`${what}: ${why}`, { status: 0, reason: 'Unreachable', cause });
  }

  static timeout(what: string, ms: number): KubeError {
    return new KubeError(`${what}: nothing within ${ms} ms`, { status: 0, reason: 'Timeout' });
  }

  /** Not sent: this process may not write at the moment. */
  static notLeader(what: string): KubeError {
    return new KubeError(`${what}: this process does not lead`, { status: 0, reason: 'NotLeader' });
  }

  static damaged(what: string, why: string): KubeError {
    return new KubeError(`${what}: ${why}`, { status: 0, reason: 'Damaged' });
  }

  /**
   * Of a `Status` object, or of whatever a proxy in between answered.
   * @param retryAfter the header, in seconds
   */
  static answered(what: string, status: number, body: unknown, retryAfter?: string): KubeError {
    const { message, reason, details } = statusOf(body);
    const seconds = Number(retryAfter ?? details.retryAfterSeconds ?? Number.NaN);
    return new KubeError(`${what}: ${status} ${message ?? reason ?? ''}`.trimEnd(), {
      status,
      reason: reason ?? `Status${status}`,
      causes: (details.causes ?? []).map((cause) => ({
        reason: cause.reason ?? '',
        message: cause.message ?? '',
        field: cause.field ?? '',
      })),
      retryAfterMs: Number.isFinite(seconds) && seconds >= 0 ? seconds * 1000 : undefined,
    });
  }
}

export function isKubeError(error: unknown, status: number): error is KubeError {
  return error instanceof KubeError && error.status === status;
}

interface Status {
  readonly message?: string;
  readonly reason?: string;
  readonly details: {
    readonly causes?: readonly Partial<KubeErrorCause>[];
    readonly retryAfterSeconds?: number;
  };
}

function statusOf(body: unknown): Status {
  if (typeof body === 'string') return { message: body.slice(0, 500), details: {} };
  if (typeof body !== 'object' || body === null) return { details: {} };
  // The server's own document (metav1.Status); read leniently, since it is only shown and compared.
  const { details, ...status } = body as Partial<Status>;
  return { ...status, details: details ?? {} };
}
