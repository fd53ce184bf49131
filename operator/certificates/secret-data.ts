import type { KubeObject } from '../../dataplane/kubernetes/object.ts';

export interface SecretObject extends KubeObject {
  /** Base64. */
  readonly data?: Readonly<Record<string, string>>;
}

export function secretText(secret: SecretObject | undefined, key: string): string | undefined {
  const encoded = secret?.data?.[key];
  return encoded === undefined ? undefined : Buffer.from(encoded, 'base64').toString('utf8');
}

export function encodedData(
  data: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(data).map(([key, text]) => [key, Buffer.from(text).toString('base64')]),
  );
}
