/** `2026-11-21T02:45:00.123` of the stream that was enabled then; ids are ms since 1970. */
export function streamLabel(streamId: number): string {
  return new Date(streamId).toISOString().slice(0, -1);
}

export function streamArn(tableArn: string, streamId: number): string {
  return `${tableArn}${STREAM}${streamLabel(streamId)}`;
}

/** Parts of what has the form of a stream's ARN; undefined for all else. */
export function streamArnParts(
  arn: string,
): { readonly tableArn: string; readonly label: string } | undefined {
  const { tableArn, label } = FORM.exec(arn)?.groups ?? {};
  return tableArn === undefined || label === undefined ? undefined : { tableArn, label };
}

const STREAM = '/stream/';
const FORM =
  /^(?<tableArn>arn:[a-z-]+:dynamodb:[a-z0-9-]+:[0-9]+:table\/[a-zA-Z0-9_.-]{3,255})\/stream\/(?<label>[a-zA-Z0-9_:.-]+)$/;
