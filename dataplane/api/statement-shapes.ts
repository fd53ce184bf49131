import type { AttributeValue } from '../item/attribute-value.ts';
import { STATEMENT_CHARS_MAX } from '../partiql/limits.ts';
import { attributeValue, list, string } from './shape/shape.ts';

/** What the operations on statements share. @see service model dynamodb 2012-08-10 */
export const statementText = string({ min: 1, max: STATEMENT_CHARS_MAX });
export const statementParameters = list<AttributeValue>(attributeValue(), { min: 1 });
