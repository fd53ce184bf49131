import type { ControlContext, JsonObject, Operation, ResponseBody } from './operation.ts';
import { compileShape, list, structure } from './shape/shape.ts';
import { anyText } from './table-shapes.ts';

const input = structure(
  { ResourceArn: anyText, TagKeys: list(anyText) },
  { required: ['TagKeys'] },
);

/** Types and constraints. @throws ClientFault */
export const checkUntagResource = compileShape(input);

async function handle(body: JsonObject, { catalog }: ControlContext): Promise<ResponseBody> {
  const { ResourceArn, TagKeys } = checkUntagResource(body);
  await catalog.untagResource(ResourceArn, TagKeys);
  return new Uint8Array(0);
}

/** Removes tags of a table; keys that are not there are no fault. The answer is an empty body. */
export const untagResource: Operation<ControlContext> = { name: 'UntagResource', handle };
