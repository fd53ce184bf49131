import { requestFaults } from '../errors/requests.ts';

export type Select =
  | 'ALL_ATTRIBUTES'
  | 'ALL_PROJECTED_ATTRIBUTES'
  | 'SPECIFIC_ATTRIBUTES'
  | 'COUNT';

/** Parameters of Query and Scan that Select has to agree with. */
export interface SelectParameters {
  readonly Select?: Select | undefined;
  readonly AttributesToGet?: readonly string[] | undefined;
  readonly ProjectionExpression?: string | undefined;
  readonly IndexName?: string | undefined;
}

/**
 * Select against the parameters that choose attributes and the index.
 * @throws ClientFault
 * @see dynoxide 3.2.0 (captures): texts
 */
export function checkSelect(parameters: SelectParameters): void {
  const { Select, AttributesToGet, ProjectionExpression, IndexName } = parameters;
  if (Select === undefined) return;
  const chosenBy =
    AttributesToGet !== undefined
      ? 'AttributesToGet'
      : ProjectionExpression !== undefined
        ? 'ProjectionExpression'
        : undefined;
  if (Select === 'SPECIFIC_ATTRIBUTES') {
    if (chosenBy === undefined) throw requestFaults.selectNeedsProjection();
    return;
  }
  if (chosenBy !== undefined) throw requestFaults.selectWithProjection(chosenBy, Select);
  if (Select === 'ALL_PROJECTED_ATTRIBUTES' && IndexName === undefined) {
    throw requestFaults.selectNeedsIndex();
  }
}
