import type { ControlContext, JsonObject, Operation, ResponseBody } from './operation.ts';
import { compileShape, structure } from './shape/shape.ts';
import { anyText } from './table-shapes.ts';

/** All tags fit one page; a NextToken is ignored, as the service does with those it did not give out. */
const input = structure({ ResourceArn: anyText, NextToken: anyText });

/** Types and constraints. @throws ClientFault */
export const checkListTagsOfResource = compileShape(input);

async function handle(body: JsonObject, { catalog }: ControlContext): Promise<ResponseBody> {
  return { Tags: await catalog.tagsOfResource(checkListTagsOfResource(body).ResourceArn) };
}

export const listTagsOfResource: Operation<ControlContext> = { name: 'ListTagsOfResource', handle };
