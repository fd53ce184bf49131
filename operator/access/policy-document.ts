import { PolicyError } from '../../dataplane/access/policy-error.ts';
import { parsePolicy } from '../../dataplane/access/policy-parser.ts';
import type { AccessPolicySpec, Statement } from '../../dataplane/kubernetes/accesspolicy-types.ts';

/** Whose resources `table/NAME` and `cache/NAME` are. */
export interface Place {
  readonly region: string;
  readonly accountId: string;
}

/** What is wrong with a policy document (JSON), in one line; undefined: nothing. */
export type DocumentCheck = (document: unknown) => string | undefined;

/** What is wrong with a document in the eyes of those who enforce it; undefined: nothing. */
export function faultOf(document: unknown): string | undefined {
  try {
    parsePolicy(document);
    return undefined;
  } catch (error) {
    if (error instanceof PolicyError) return error.message;
    throw error;
  }
}

/** The document of an AccessPolicy, or why there is none. */
export type PolicyDocument =
  | { readonly kind: 'valid'; readonly document: object }
  | { readonly kind: 'invalid'; readonly message: string };

const VERSION = '2012-10-17';
/** Services by the resources that may be named without an ARN. */
const SERVICES = { table: 'dynamodb', cache: 'dax' } as const;

/** @param check the parser of those who will enforce it */
export function policyDocumentOf(
  spec: AccessPolicySpec,
  place: Place,
  check: DocumentCheck,
): PolicyDocument {
  const { policyDocument, statements = [] } = spec;
  if (policyDocument === undefined) return checked(documentOf(statements, place), check);
  try {
    return checked(JSON.parse(policyDocument), check);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return { kind: 'invalid', message: `policyDocument is not JSON: ${error.message}` };
  }
}

/** What a policy says whose document is not to be had: nobody knows what it denied. */
export const EVERYTHING_DENIED = {
  Version: VERSION,
  Statement: [{ Effect: 'Deny', Action: '*', Resource: '*' }],
} as const;

function checked(document: unknown, check: DocumentCheck): PolicyDocument {
  const message = check(document);
  if (message !== undefined) return { kind: 'invalid', message };
  if (typeof document === 'object' && document !== null) return { kind: 'valid', document };
  return { kind: 'invalid', message: 'policyDocument is no JSON object' };
}

function documentOf(statements: readonly Statement[], place: Place): object {
  return {
    Version: VERSION,
    Statement: statements.map(
      ({ sid, effect, actions, notActions, resources, notResources, condition }) => ({
        ...(sid !== undefined && { Sid: sid }),
        Effect: effect,
        ...(actions && { Action: actions }),
        ...(notActions && { NotAction: notActions }),
        ...(resources && { Resource: resources.map((name) => arnOf(name, place)) }),
        ...(notResources && { NotResource: notResources.map((name) => arnOf(name, place)) }),
        ...(condition && { Condition: condition }),
      }),
    ),
  };
}

function arnOf(resource: string, { region, accountId }: Place): string {
  const [, type] = /^(table|cache)\//.exec(resource) ?? [];
  // As the schema of AccessPolicy has them; whatever else is an ARN or `*`.
  if (type !== 'table' && type !== 'cache') return resource;
  return `arn:aws:${SERVICES[type]}:${region}:${accountId}:${resource}`;
}
