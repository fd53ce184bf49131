/** Made by hack/generate from crds/accesskey.yaml. Change it there. */

/** What the access key is to be. */
export interface AccessKeySpec {
  /** Who calls with the key; AccessPolicies say what that is good for; cannot be changed. */
  readonly subject: Subject;
  /**
   * Secret for accessKeyId and secretAccessKey, which must not be there before; the name of the
   * AccessKey when left out; cannot be changed.
   */
  readonly secretName?: string;
  /**
   * Active, or Inactive so that requests signed with the key are refused until it is Active again.
   * Default: Active.
   */
  readonly state: 'Active' | 'Inactive';
  /** Age at which the key is replaced by a new one in the same Secret; never when left out. */
  readonly rotateAfterDays?: number;
  /** How long the former key is good beside the new one after a rotation. Default: 86400. */
  readonly gracePeriodSeconds: number;
}

/** AccessKeySpec as it is written: the API server adds what has a default. */
export type WrittenAccessKeySpec = Omit<AccessKeySpec, AccessKeySpecDefault> &
  Partial<Pick<AccessKeySpec, AccessKeySpecDefault>>;

type AccessKeySpecDefault = 'state' | 'gracePeriodSeconds';

/** Who calls with the key; AccessPolicies say what that is good for; cannot be changed. */
export interface Subject {
  /** User for a person or program of its own, Role for one part that several play. */
  readonly kind: 'User' | 'Role';
  /** Name as policies and ARNs show it; several keys may have the same subject. */
  readonly name: string;
}

/** What the access key is, as the operator observed it. */
export interface AccessKeyStatus {
  /**
   * The metadata.generation that this status is about; -1 before the operator has seen the
   * AccessKey.
   */
  readonly observedGeneration?: number;
  /**
   * Conditions in the form of kstatus: Ready always; Reconciling and Stalled while they are True.
   */
  readonly conditions?: readonly Condition[];
  /** The Secret that holds the key. */
  readonly secretName?: string;
  /** Id of the key in the Secret. */
  readonly accessKeyID?: string;
  /** Since when that is the key in the Secret. */
  readonly lastRotatedTime?: string;
  /** Id of the key before it, while it is still good. */
  readonly previousAccessKeyID?: string;
  /** When that one ends. */
  readonly previousExpirationTime?: string;
  /**
   * What routers have been given last on behalf of this object; it takes them up to two minutes to
   * have it all.
   */
  readonly published?: PublishedStatus;
}

/** A condition. */
export interface Condition {
  /** Type of the condition, such as Ready. */
  readonly type: string;
  /** Whether the condition holds. */
  readonly status: 'True' | 'False' | 'Unknown';
  /** Why, as one word. */
  readonly reason: string;
  /** Why, for people. */
  readonly message: string;
  /** When status last changed. */
  readonly lastTransitionTime: string;
  /** The metadata.generation that the condition is about. */
  readonly observedGeneration?: number;
}

/**
 * What routers have been given last on behalf of this object; it takes them up to two minutes to
 * have it all.
 */
export interface PublishedStatus {
  /** Id of the newest key. */
  readonly revision: string;
  /** Since when it can be fetched. */
  readonly time: string;
}
