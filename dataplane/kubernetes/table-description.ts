/** Answers of the DynamoDB API about a table, as far as a Table is compared with them. */

export type TransitionStatus = 'CREATING' | 'UPDATING' | 'DELETING' | 'ACTIVE';

/** The member `Table` of DescribeTable's answer. */
export interface TableDescription {
  readonly TableName: string;
  readonly TableArn: string;
  readonly TableStatus: TransitionStatus;
  readonly AttributeDefinitions?: readonly AttributeDefinitionShown[];
  /** Absent while the table has never been on demand. */
  readonly BillingModeSummary?: { readonly BillingMode?: string };
  readonly ProvisionedThroughput?: UnitsShown;
  readonly OnDemandThroughput?: MaximumsShown;
  readonly WarmThroughput?: WarmShown;
  /** Absent while no class was ever asked for: STANDARD. */
  readonly TableClassSummary?: { readonly TableClass?: string };
  readonly DeletionProtectionEnabled?: boolean;
  /** Absent while no stream takes records. */
  readonly StreamSpecification?: {
    readonly StreamEnabled: boolean;
    readonly StreamViewType?: string;
  };
  /** Of the newest stream, also when it is disabled. */
  readonly LatestStreamArn?: string;
  readonly LatestStreamLabel?: string;
  readonly GlobalSecondaryIndexes?: readonly IndexDescription[];
}

export interface IndexDescription {
  readonly IndexName: string;
  readonly IndexStatus: TransitionStatus;
  /** Only while an index that was added to an existing table is CREATING. */
  readonly Backfilling?: boolean;
  readonly KeySchema: readonly { readonly AttributeName: string; readonly KeyType: string }[];
  readonly Projection: {
    readonly ProjectionType?: string;
    readonly NonKeyAttributes?: readonly string[];
  };
  readonly ProvisionedThroughput?: UnitsShown;
  readonly OnDemandThroughput?: MaximumsShown;
  readonly WarmThroughput?: WarmShown;
}

export interface AttributeDefinitionShown {
  readonly AttributeName: string;
  readonly AttributeType: string;
}

export interface UnitsShown {
  readonly ReadCapacityUnits?: number;
  readonly WriteCapacityUnits?: number;
}

export interface MaximumsShown {
  readonly MaxReadRequestUnits?: number;
  readonly MaxWriteRequestUnits?: number;
}

export interface WarmShown {
  readonly ReadUnitsPerSecond?: number;
  readonly WriteUnitsPerSecond?: number;
  readonly Status?: string;
}

/** The member `TimeToLiveDescription` of DescribeTimeToLive's answer. */
export interface TimeToLiveDescription {
  readonly TimeToLiveStatus?: string;
  readonly AttributeName?: string;
}

/** A tag, as ListTagsOfResource shows it. */
export interface TagShown {
  readonly Key: string;
  readonly Value: string;
}

/** All that is asked about a table. */
export interface DescribedTable {
  /** The member `Triggers` of DescribeTriggers' answer; absent: not asked, since nobody has any. */
  readonly triggers?: readonly object[];
  readonly table: TableDescription;
  /** Undefined when it could not be asked (the table is CREATING or DELETING). */
  readonly timeToLive: TimeToLiveDescription | undefined;
  readonly tags: readonly TagShown[] | undefined;
}
