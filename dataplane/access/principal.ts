/** Who makes a request. */
export interface Principal {
  /** `arn:aws:iam::123456789012:user/ann`; of an account's root `arn:aws:iam::123456789012:root`. */
  readonly arn: string;
  /** The account itself: no policy restrains it. */
  readonly isRoot: boolean;
}

/**
 * Whom an access key may stand for, and a policy may be for: a person, a program's role, a cluster
 * of DAX nodes. Characters as IAM has them in names, as many as Kubernetes has.
 */
const SUBJECT = /^(?:user|role|dax)\/[\w+=,.@-]{1,253}$/;

/** `user/NAME`, `role/NAME` or `dax/NAME`. */
export function isSubject(text: string): boolean {
  return SUBJECT.test(text);
}

/** The account itself, which may do everything. */
export function rootOf(accountId: string): Principal {
  return Object.freeze({ arn: `arn:aws:iam::${accountId}:root`, isRoot: true });
}

/** @param subject as `isSubject` accepts it */
export function principalOf(subject: string, accountId: string): Principal {
  return Object.freeze({ arn: `arn:aws:iam::${accountId}:${subject}`, isRoot: false });
}

/** What `principalOf` was given: `user/ann`; of an account `root`. */
export function subjectOf({ arn }: Principal): string {
  return arn.slice(arn.lastIndexOf(':') + 1);
}
