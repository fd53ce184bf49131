import type { AccessKeyStatus } from '../../dataplane/kubernetes/accesskey-types.ts';
import type {
  AccessPolicyStatus,
  Condition,
} from '../../dataplane/kubernetes/accesspolicy-types.ts';
import {
  type Finding,
  type Obstacle,
  rfc3339,
  timedConditions,
  withoutUndefined,
} from '../findings.ts';
import { isPaused, PAUSED_MESSAGE, PAUSED_REASON } from '../pause.ts';
import type { KeyOutcome, PolicyOutcome } from './access-plan.ts';
import { type KeyMaterial, newestPair, previousEndMs } from './key-material.ts';
import { PROPAGATION_MS } from './names.ts';
import { principalOfKey } from './principals.ts';
import { secretNameOf } from './resources.ts';

/** What a status depends on besides the object itself. */
export interface TellingFacts {
  readonly nowMs: number;
  /** Why the Secret `trestle-credentials` is not as it is to be; undefined: it is. */
  readonly failure: string | undefined;
}

/** What routers were given last. */
export type Published = NonNullable<AccessKeyStatus['published']>;

/** A status must stay small. */
const SUBJECTS_SHOWN_MAX = 128;

/** Published of an AccessKey that is Inactive: none of its keys. */
const NO_KEY = 'none';

type Conditioned = Parameters<typeof timedConditions>[0];

/** When those who were given it surely have it. @returns ms since 1970 */
export function knownMs({ time }: Published): number {
  return Date.parse(time) + PROPAGATION_MS;
}

/** What the status of an AccessKey is to be. */
export function keyStatusOf(outcome: KeyOutcome, facts: TellingFacts): AccessKeyStatus {
  const { key, material } = outcome;
  if (isPaused(key)) {
    const { obstacle } = outcome;
    const more = obstacle === undefined ? [] : [finding('Stalled', 'True', obstacle)];
    return { ...key.status, secretName: secretNameOf(key), ...pausedStatus(key, more, facts) };
  }
  const published = publishedOf(key.status?.published, keyRevision(outcome), facts);
  return withoutUndefined({
    ...common(key, keyFindings(outcome, published, facts), facts),
    secretName: secretNameOf(key),
    ...(material && keysShown(outcome, material)),
    published,
  });
}

/** What the status of an AccessPolicy is to be. */
export function policyStatusOf(outcome: PolicyOutcome, facts: TellingFacts): AccessPolicyStatus {
  const { policy, subjects, revision } = outcome;
  if (isPaused(policy)) {
    return { ...policy.status, ...pausedStatus(policy, [validity(outcome)], facts) };
  }
  const published = publishedOf(policy.status?.published, revision, facts);
  return withoutUndefined({
    ...common(policy, policyFindings(outcome, published, facts), facts),
    subjects: subjects.slice(0, SUBJECTS_SHOWN_MAX),
    published,
  });
}

/** All else is as it was, as is what routers have. */
function pausedStatus(object: Conditioned, more: readonly Finding[], facts: TellingFacts) {
  const paused = { reason: PAUSED_REASON, message: PAUSED_MESSAGE };
  const findings = [finding('Ready', 'Unknown', paused), ...more];
  return withoutUndefined(common(object, findings, facts));
}

function keysShown(
  { key }: KeyOutcome,
  { current, sinceMs, previous }: KeyMaterial,
): Partial<AccessKeyStatus> {
  return {
    accessKeyID: current.accessKeyId,
    lastRotatedTime: rfc3339(sinceMs),
    ...(previous && {
      previousAccessKeyID: previous.accessKeyId,
      previousExpirationTime: rfc3339(previousEndMs({ sinceMs }, key.spec)),
    }),
  };
}

function keyRevision({ key, material, isPublished }: KeyOutcome): string | undefined {
  if (key.spec.state === 'Inactive') return NO_KEY;
  return isPublished && material ? newestPair(material).accessKeyId : undefined;
}

/** While the Secret cannot be written, what it holds is what was told of it before. */
function publishedOf(
  before: Published | undefined,
  revision: string | undefined,
  { nowMs, failure }: TellingFacts,
): Published | undefined {
  if (before?.revision === revision) return before;
  if (revision === undefined || failure !== undefined) return undefined;
  return { revision, time: new Date(nowMs).toISOString() };
}

function keyFindings(
  outcome: KeyOutcome,
  published: Published | undefined,
  facts: TellingFacts,
): readonly Finding[] {
  const { obstacle, material } = outcome;
  return [
    keyReady(outcome, published, facts),
    ...propagating(published, facts),
    ...(material?.next ? [rotating(material.next.accessKeyId)] : []),
    ...(obstacle ? [finding('Stalled', 'True', obstacle)] : []),
  ].filter(({ type }, index, all) => all.findIndex((each) => each.type === type) === index);
}

function keyReady(
  { key, material, obstacle, isPublished }: KeyOutcome,
  published: Published | undefined,
  facts: TellingFacts,
): Finding {
  const isKnown = isKnownNow(published, facts);
  if (key.spec.state === 'Inactive') {
    const message = 'Requests signed with the key are refused';
    if (isKnown) return finding('Ready', 'True', { reason: 'Inactive', message });
    return finding('Ready', 'False', waiting(published, facts));
  }
  // A next key is made only when the current one is known.
  if (isPublished && material && (isKnown || material.next)) {
    const { accessKeyId } = material.current;
    const message = `Requests signed with ${accessKeyId} come from ${principalOfKey(key)}`;
    return finding('Ready', 'True', { reason: 'Active', message });
  }
  return finding('Ready', 'False', obstacle ?? waiting(published, facts));
}

function rotating(accessKeyId: string): Finding {
  const message = `${accessKeyId} takes the place of the present key as soon as all routers know it`;
  return finding('Reconciling', 'True', { reason: 'Rotating', message });
}

function policyFindings(
  outcome: PolicyOutcome,
  published: Published | undefined,
  facts: TellingFacts,
): readonly Finding[] {
  const obstacle = policyObstacle(outcome);
  return [
    policyReady(outcome, published, facts),
    validity(outcome),
    ...propagating(published, facts),
    ...(obstacle ? [finding('Stalled', 'True', obstacle)] : []),
  ];
}

function validity({ fault }: PolicyOutcome): Finding {
  return fault === undefined
    ? finding('Valid', 'True', { reason: 'Parsed', message: 'The document is well formed' })
    : finding('Valid', 'False', { reason: 'InvalidDocument', message: fault });
}

function policyReady(
  outcome: PolicyOutcome,
  published: Published | undefined,
  facts: TellingFacts,
): Finding {
  const { subjects, missing } = outcome;
  const obstacle = policyObstacle(outcome);
  if (obstacle !== undefined) return finding('Ready', 'False', obstacle);
  if (missing.length > 0) {
    const others = subjects.length > 0 ? '; for its other subjects the policy holds' : '';
    const message = `There is no ${missing.join(', no ')}${others}`;
    return finding('Ready', 'False', { reason: 'SubjectNotFound', message });
  }
  if (subjects.length === 0) {
    const message = 'It has no subjects, and no DaxCluster has it as its roleRef';
    return finding('Ready', 'False', { reason: 'NoSubject', message });
  }
  if (!isKnownNow(published, facts)) return finding('Ready', 'False', waiting(published, facts));
  const message = `It is in force for ${subjects.join(', ')}`;
  return finding('Ready', 'True', { reason: 'InForce', message });
}

function policyObstacle({ fault, isLeftOut }: PolicyOutcome): Obstacle | undefined {
  const denied = 'until then its subjects are denied everything, since what it denies is not known';
  if (isLeftOut) {
    const message = `The policies of the namespace are too large: shorten or delete some; ${denied}`;
    return { reason: 'QuotaExceeded', message };
  }
  if (fault === undefined) return undefined;
  return { reason: 'InvalidDocument', message: `${fault}; correct it: ${denied}` };
}

function isKnownNow(published: Published | undefined, { nowMs }: TellingFacts): boolean {
  return published !== undefined && nowMs >= knownMs(published);
}

function propagating(published: Published | undefined, facts: TellingFacts): readonly Finding[] {
  if (published === undefined || isKnownNow(published, facts)) return [];
  return [finding('Reconciling', 'True', waiting(published, facts))];
}

function waiting(published: Published | undefined, { failure }: TellingFacts): Obstacle {
  if (published !== undefined) {
    const message = `Routers learn of it until ${rfc3339(knownMs(published))}`;
    return { reason: 'Propagating', message };
  }
  return { reason: 'NotPublished', message: failure ?? 'Routers are not told yet' };
}

const MESSAGE_CHARACTERS_MAX = 2000;

function finding(type: string, status: Finding['status'], { reason, message }: Obstacle): Finding {
  return { type, status, reason, message: message.slice(0, MESSAGE_CHARACTERS_MAX) };
}

/** Of the object as it was when the conditions were found. */
function common(
  object: Conditioned,
  findings: readonly Finding[],
  { nowMs }: TellingFacts,
): {
  readonly observedGeneration: number | undefined;
  readonly conditions: readonly Condition[];
} {
  return {
    observedGeneration: object.metadata.generation,
    conditions: timedConditions(object, findings, nowMs),
  };
}
