import type { ControlContext, JsonObject, Operation, ResponseBody } from './operation.ts';
import { compileShape, structure } from './shape/shape.ts';
import { anyText, tags } from './table-shapes.ts';

/** The ARN is explained by the catalog, in the service's order after the missing list. */
const input = structure({ ResourceArn: anyText, Tags: tags }, { required: ['Tags'] });

/** Types and constraints. @throws ClientFault */
export const checkTagResource = compileShape(input);

async function handle(body: JsonObject, { catalog }: ControlContext): Promise<ResponseBody> {
  const { ResourceArn, Tags } = checkTagResource(body);
  await catalog.tagResource(ResourceArn, Tags);
  return new Uint8Array(0);
}

/** Sets tags of a table; the answer is an empty body. */
export const tagResource: Operation<ControlContext> = { name: 'TagResource', handle };
