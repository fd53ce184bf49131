/** Limits of the control plane, with their sources in reference/dynamodb.md section 2. */
export const TABLES_COUNT_MAX = 2500;
export const CONCURRENT_OPERATIONS_COUNT_MAX = 500;
export const LOCAL_INDEXES_COUNT_MAX = 5;
export const GLOBAL_INDEXES_COUNT_MAX = 20;
export const INDEX_HASH_ATTRIBUTES_COUNT_MAX = 4;
export const INDEX_RANGE_ATTRIBUTES_COUNT_MAX = 4;
/** Names in NonKeyAttributes, summed over all INCLUDE indexes of a table. */
export const PROJECTED_NAMES_COUNT_MAX = 100;
export const LIST_TABLES_PAGE_COUNT_MAX = 100;

/** What DescribeLimits reports, per account (provisioned mode) and per table or index. */
export const ACCOUNT_UNITS_MAX = 80_000;
export const TABLE_UNITS_MAX = 40_000;
/** Above this the service calls a value out of bounds before it looks at quotas. */
export const CAPACITY_UNITS_BOUND = 1_000_000_000_000;

export const PARTITION_READ_UNITS_MAX = 3000;
export const PARTITION_WRITE_UNITS_MAX = 1000;
/** Partitions of a new table or index; splitting comes with growth, not with a large setting alone. */
export const INITIAL_PARTITIONS_COUNT_MAX = 64;
/** What an on-demand table or index can take from the start. */
export const ON_DEMAND_READ_UNITS_INITIAL = 12_000;
export const ON_DEMAND_WRITE_UNITS_INITIAL = 4000;

export const DECREASES_PER_DAY_FREE = 4;
export const DECREASE_INTERVAL_MS = 3_600_000;
export const TABLE_CLASS_CHANGES_COUNT_MAX = 2;
export const TABLE_CLASS_WINDOW_MS = 30 * 86_400_000;
export const DELETION_PROTECTION_COOLDOWN_MS = 15_000;
/** One change a table: the guide says an hour, probes saw it end between 1812 s and 1872 s. */
export const TIME_TO_LIVE_COOLDOWN_MS = 31 * 60_000;

export const TAGS_COUNT_MAX = 50;
export const TAG_KEY_LENGTH_MAX = 128;
export const TAG_VALUE_LENGTH_MAX = 256;
