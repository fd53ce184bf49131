import type { Complain, JsonFields } from '../json-fields.ts';
import type { TriggerAuth, TriggerSpecification, TriggerTarget } from '../partition/trigger.ts';
import { FilterPattern, FilterPatternError } from './filter-pattern.ts';

/** @see reference/operator.md §2.1 */
export const TRIGGERS_COUNT_MAX = 16;
const FILTER_PATTERNS_COUNT_MAX = 5;
const BATCH_SIZE_MAX = 10_000;
const WINDOW_SECONDS_MAX = 300;
const PARALLELIZATION_MAX = 10;
const RETRY_ATTEMPTS_MAX = 10_000;
const RECORD_AGE_SECONDS_MAX = 604_800;
/** What a Lambda function may take. */
const TIMEOUT_SECONDS_MAX = 900;
const TIMEOUT_SECONDS = 30;
const URL_CHARACTERS_MAX = 2048;

const NAME = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;
const NAME_TEXT = 'a name of 1 to 63 lower-case letters, digits and hyphens';
const PATH = /^[^\0]{1,1024}$/;

/**
 * The triggers of a table from the JSON of a file or of a call: members as in `TriggerSchema`, those
 * with a default may be left out; `target` and `deadLetter` have `url`, or `service` with `name`,
 * `namespace`, `port`, `path` and `scheme`; filter patterns are texts, or objects as they are.
 * @param complain - ends the reading
 */
export function triggersOf(all: readonly JsonFields[], complain: Complain): TriggerSpecification[] {
  if (all.length > TRIGGERS_COUNT_MAX) {
    complain(`has more than ${TRIGGERS_COUNT_MAX} triggers for one table`);
  }
  const triggers = all.map((fields) => triggerOf(fields, complain));
  const names = new Set<string>();
  for (const { name } of triggers) {
    if (names.has(name)) complain(`has two triggers named ${name} for one table`);
    names.add(name);
  }
  return triggers;
}

function triggerOf(fields: JsonFields, complain: Complain): TriggerSpecification {
  fields.only(
    ...['name', 'target', 'enabled', 'batchSize', 'maximumBatchingWindowSeconds'],
    ...['startingPosition', 'parallelizationFactor', 'maximumRetryAttempts'],
    ...['maximumRecordAgeSeconds', 'bisectBatchOnFunctionError', 'reportBatchItemFailures'],
    ...['filterPatterns', 'timeoutSeconds', 'deadLetter'],
  );
  const whole = (name: string, least: number, most: number, usual: number) =>
    fields.has(name) ? fields.whole(name, least, most) : usual;
  const flag = (name: string, usual: boolean) => (fields.has(name) ? fields.flag(name) : usual);
  const deadLetter = fields.object('deadLetter');
  const name = fields.text('name', NAME, NAME_TEXT);
  const complainOfIt: Complain = (complaint) => complain(`${complaint} (trigger ${name})`);
  return {
    name,
    target: targetOf(
      fields.object('target') ?? complain(`needs a target for ${name}`),
      complainOfIt,
    ),
    enabled: flag('enabled', true),
    batchSize: whole('batchSize', 1, BATCH_SIZE_MAX, 100),
    maximumBatchingWindowSeconds: whole('maximumBatchingWindowSeconds', 0, WINDOW_SECONDS_MAX, 0),
    startingPosition: fields.has('startingPosition')
      ? fields.oneOf('startingPosition', ['TRIM_HORIZON', 'LATEST'])
      : 'LATEST',
    parallelizationFactor: whole('parallelizationFactor', 1, PARALLELIZATION_MAX, 1),
    maximumRetryAttempts: whole('maximumRetryAttempts', -1, RETRY_ATTEMPTS_MAX, -1),
    maximumRecordAgeSeconds: whole('maximumRecordAgeSeconds', -1, RECORD_AGE_SECONDS_MAX, -1),
    bisectBatchOnFunctionError: flag('bisectBatchOnFunctionError', false),
    reportBatchItemFailures: flag('reportBatchItemFailures', false),
    filterPatterns: fields.has('filterPatterns') ? patternsOf(fields, complainOfIt) : [],
    timeoutSeconds: whole('timeoutSeconds', 1, TIMEOUT_SECONDS_MAX, TIMEOUT_SECONDS),
    deadLetter: deadLetter && targetOf(deadLetter, complainOfIt),
  };
}

function targetOf(fields: JsonFields, complain: Complain): TriggerTarget {
  fields.only('url', 'service', 'caBundle', 'auth');
  const service = fields.object('service');
  if ((service === undefined) === !fields.has('url')) {
    complain('needs either url or service for each target');
  }
  return {
    url: service === undefined ? urlOf(fields, complain) : serviceUrl(service),
    caBundle: fields.has('caBundle') ? fields.text('caBundle', PATH, 'a file') : undefined,
    auth: authOf(fields.object('auth')),
  };
}

function urlOf(fields: JsonFields, complain: Complain): string {
  const text = fields.text('url', /^https?:\/\//, 'an http or https address');
  const url = URL.parse(text);
  if (url === null || text.length > URL_CHARACTERS_MAX) {
    return complain(`has an address that is none: ${text.slice(0, 100)}`);
  }
  // A password would stand in descriptions and logs.
  if (url.username !== '' || url.password !== '') {
    complain('has an address with a user or password: give a secret by auth');
  }
  if (text.includes('#')) complain('has an address with a fragment');
  return text;
}

function serviceUrl(service: JsonFields): string {
  service.only('name', 'namespace', 'port', 'path', 'scheme');
  const scheme = service.has('scheme') ? service.oneOf('scheme', ['http', 'https']) : 'http';
  const name = service.text('name', NAME, NAME_TEXT);
  const namespace = service.text('namespace', NAME, NAME_TEXT);
  const port = service.has('port') ? `:${service.whole('port', 1, 65_535)}` : '';
  const path = service.has('path') ? service.text('path', /^\/[!-~]{0,1023}$/, 'a path') : '/';
  return `${scheme}://${name}.${namespace}.svc${port}${path}`;
}

function authOf(fields: JsonFields | undefined): TriggerAuth | undefined {
  fields?.only('scheme', 'secret');
  return (
    fields && {
      scheme: fields.oneOf('scheme', ['HMAC', 'BEARER']),
      secret: fields.text('secret', PATH, 'a file'),
    }
  );
}

function patternsOf(fields: JsonFields, complain: Complain): readonly string[] {
  const list = fields.value('filterPatterns');
  if (!Array.isArray(list)) return complain('needs a list at filterPatterns');
  if (list.length > FILTER_PATTERNS_COUNT_MAX) {
    complain(`has more than ${FILTER_PATTERNS_COUNT_MAX} filter patterns for one trigger`);
  }
  return list.map((pattern: unknown) => {
    const text = typeof pattern === 'string' ? pattern : JSON.stringify(pattern);
    try {
      FilterPattern.parse(text);
    } catch (error) {
      if (!(error instanceof FilterPatternError)) throw error;
      complain(`is refused: ${error.message}`);
    }
    return text;
  });
}
