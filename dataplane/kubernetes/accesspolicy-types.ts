/** Made by hack/generate from crds/accesspolicy.yaml. Change it there. */

/** The statements, and whom they are about. */
export interface AccessPolicySpec {
  /** The statements as a policy document of IAM in JSON; instead of statements. */
  readonly policyDocument?: string;
  /**
   * The statements; whoever is allowed nothing may do nothing, and a Deny wins over every Allow.
   */
  readonly statements?: readonly Statement[];
  /** Whom the statements are about, besides DaxClusters whose roleRef names the AccessPolicy. */
  readonly subjects?: readonly Subject[];
}

/** One statement. */
export interface Statement {
  /** Name of the statement, for people. */
  readonly sid?: string;
  /** Whether the actions are allowed or denied. */
  readonly effect: 'Allow' | 'Deny';
  /** Actions such as dynamodb:GetItem, with * and ? as wildcards. */
  readonly actions?: readonly string[];
  /** All actions but these; instead of actions. */
  readonly notActions?: readonly string[];
  /**
   * ARNs, with * and ? as wildcards; table/NAME and cache/NAME stand for those of this namespace.
   */
  readonly resources?: readonly string[];
  /** All resources but these; instead of resources. */
  readonly notResources?: readonly string[];
  /**
   * Operators of IAM such as StringEquals, in each of them keys such as dynamodb:LeadingKeys, with
   * the values of each; the statement counts where all of it holds.
   */
  readonly condition?: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>;
}

/** A caller. */
export interface Subject {
  /**
   * User or Role as the subjects of AccessKeys have them, AccessKey for the subject of that key,
   * DaxCluster for what that cluster does on tables.
   */
  readonly kind: 'AccessKey' | 'User' | 'Role' | 'DaxCluster';
  /** Name of the user or role, or of the AccessKey or DaxCluster in this namespace. */
  readonly name: string;
}

/** What has become of the policy, as the operator observed it. */
export interface AccessPolicyStatus {
  /**
   * The metadata.generation that this status is about; -1 before the operator has seen the
   * AccessPolicy.
   */
  readonly observedGeneration?: number;
  /**
   * Conditions in the form of kstatus: Ready and Valid always; Reconciling and Stalled while they
   * are True.
   */
  readonly conditions?: readonly Condition[];
  /** Principals that the policy is about, as they were found. */
  readonly subjects?: readonly string[];
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
  /** Digest of statements and principals. */
  readonly revision: string;
  /** Since when they can be fetched. */
  readonly time: string;
}
