import { answering, type NodeView } from './node-answer.ts';

/** Two pods that answer, one of which has no connection to the other. */
export type BrokenLink = readonly [pod: string, otherPod: string];

/**
 * Two such pods have a majority with a third one only: it is not to be taken away, though every partition has all its
 * replicas. Networks need their time to let the address of a new pod through (seen: network policies of a kind cluster
 * whose API server had been away, most of a minute).
 */
export function brokenLinks(nodes: readonly NodeView[]): readonly BrokenLink[] {
  const answers = answering(nodes);
  return answers.flatMap((one, at) =>
    answers
      .slice(at + 1)
      .filter(({ pod, unreached }) => one.unreached.includes(pod) || unreached.includes(one.pod))
      .map(({ pod }): BrokenLink => [one.pod, pod]),
  );
}
