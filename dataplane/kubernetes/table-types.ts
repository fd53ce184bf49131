/** Made by hack/generate from crds/table.yaml. Change it there. */

/** What the table is to be. */
export interface TableSpec {
  /** Name by which clients call the table, unique in the namespace; cannot be changed. */
  readonly tableName: string;
  /** Types of exactly the attributes that keys of the table and of its indexes use. */
  readonly attributeDefinitions: readonly AttributeDefinition[];
  /**
   * The table's key: a HASH attribute, and a RANGE attribute if items are sorted; cannot be
   * changed.
   */
  readonly keySchema: readonly KeySchemaElement[];
  /**
   * PROVISIONED holds the table to provisionedThroughput, PAY_PER_REQUEST only to
   * onDemandThroughput if that is set. Default: PROVISIONED.
   */
  readonly billingMode: 'PROVISIONED' | 'PAY_PER_REQUEST';
  /** Capacity of the table with billingMode PROVISIONED; forbidden otherwise. */
  readonly provisionedThroughput?: ProvisionedThroughput;
  /** Ceilings of the table with billingMode PAY_PER_REQUEST; a ceiling left out is none. */
  readonly onDemandThroughput?: OnDemandThroughput;
  /**
   * Requests a second that the table is prepared to take at once; never less than it has anyway,
   * never lowered.
   */
  readonly warmThroughput?: WarmThroughput;
  /** Indexes with keys of their own; added and removed one at a time on the running table. */
  readonly globalSecondaryIndexes?: readonly GlobalSecondaryIndex[];
  /**
   * Indexes with the table's HASH attribute and another RANGE attribute; fixed when the table is
   * created.
   */
  readonly localSecondaryIndexes?: readonly LocalSecondaryIndex[];
  /** Deletes items after the time that one of their attributes says; off when left out. */
  readonly timeToLive?: TimeToLive;
  /**
   * Keeps a record of every change of an item for 24 hours, which consumers of DynamoDB Streams
   * read; off when left out. Another streamViewType begins another stream, with another ARN.
   */
  readonly streamSpecification?: StreamSpecification;
  /**
   * Posts the change records of the table's stream to HTTP(S) addresses, as events in the format of
   * AWS Lambda, in order and at least once.
   */
  readonly triggers?: readonly Trigger[];
  /** Class that DescribeTable reports. Default: STANDARD. */
  readonly tableClass: 'STANDARD' | 'STANDARD_INFREQUENT_ACCESS';
  /** Whether deleting the table is refused. Default: false. */
  readonly deletionProtectionEnabled: boolean;
  /**
   * What becomes of the volumes when the Table is deleted: kept (Retain), or deleted with it.
   * Default: Retain.
   */
  readonly deletionPolicy: 'Retain' | 'Delete';
  /** Tags of the table, as ListTagsOfResource shows them. */
  readonly tags?: readonly Tag[];
  /** The volume of each replica. */
  readonly storage: Storage;
  /** Where the replicas run, and with what. */
  readonly placement: Placement;
  /** What the pods of the replicas get besides what the operator gives them. */
  readonly podTemplate?: PodTemplate;
}

/** TableSpec as it is written: the API server adds what has a default. */
export type WrittenTableSpec = Omit<TableSpec, TableSpecDefault> &
  Partial<Pick<TableSpec, TableSpecDefault>>;

type TableSpecDefault =
  | 'billingMode'
  | 'tableClass'
  | 'deletionProtectionEnabled'
  | 'deletionPolicy'
  | 'storage'
  | 'placement';

/** Type of one key attribute. */
export interface AttributeDefinition {
  /** Name of the attribute. */
  readonly attributeName: string;
  /**
   * S for string, "N" for number (in quotes: YAML takes a bare N for false), B for binary; cannot
   * be changed.
   */
  readonly attributeType: 'S' | 'N' | 'B';
}

/** One attribute of the key. */
export interface KeySchemaElement {
  /** Name of an attribute that attributeDefinitions lists. */
  readonly attributeName: string;
  /** HASH for the partition key, RANGE for the sort key. */
  readonly keyType: 'HASH' | 'RANGE';
}

/** Capacity of the table with billingMode PROVISIONED; forbidden otherwise. */
export interface ProvisionedThroughput {
  /** Strongly consistent reads a second, of up to 4 KB each. */
  readonly readCapacityUnits: number;
  /** Writes a second, of up to 1 KB each. */
  readonly writeCapacityUnits: number;
}

/** Ceilings of the table with billingMode PAY_PER_REQUEST; a ceiling left out is none. */
export interface OnDemandThroughput {
  /** Most read request units a second. */
  readonly maxReadRequestUnits?: number;
  /** Most write request units a second. */
  readonly maxWriteRequestUnits?: number;
}

/**
 * Requests a second that the table is prepared to take at once; never less than it has anyway,
 * never lowered.
 */
export interface WarmThroughput {
  /** Read units a second. */
  readonly readUnitsPerSecond?: number;
  /** Write units a second. */
  readonly writeUnitsPerSecond?: number;
}

/** A global secondary index. */
export interface GlobalSecondaryIndex {
  /** Name of the index, unique over global and local indexes of the table. */
  readonly indexName: string;
  /** Key of the index: 1 to 4 HASH attributes, then up to 4 RANGE attributes; cannot be changed. */
  readonly keySchema: readonly KeySchemaElement[];
  /** The attributes that are copied into the index. */
  readonly projection: Projection;
  /** Capacity of the index with billingMode PROVISIONED; forbidden otherwise. */
  readonly provisionedThroughput?: ProvisionedThroughput;
  /** Ceilings of the index with billingMode PAY_PER_REQUEST; a ceiling left out is none. */
  readonly onDemandThroughput?: OnDemandThroughput;
  /**
   * Requests a second that the index is prepared to take at once; never less than it has anyway,
   * never lowered.
   */
  readonly warmThroughput?: WarmThroughput;
}

/** The attributes that are copied into the index. */
export interface Projection {
  /** ALL attributes, KEYS_ONLY, or the keys and those that nonKeyAttributes lists (INCLUDE). */
  readonly projectionType: 'ALL' | 'KEYS_ONLY' | 'INCLUDE';
  /** Names of attributes to copy besides the keys, with projectionType INCLUDE only. */
  readonly nonKeyAttributes?: readonly string[];
}

/** A local secondary index. */
export interface LocalSecondaryIndex {
  /** Name of the index, unique over global and local indexes of the table. */
  readonly indexName: string;
  /** Key of the index: the table's HASH attribute, then a RANGE attribute. */
  readonly keySchema: readonly KeySchemaElement[];
  /** The attributes that are copied into the index. */
  readonly projection: Projection;
}

/** Deletes items after the time that one of their attributes says; off when left out. */
export interface TimeToLive {
  /** Whether expired items are deleted. */
  readonly enabled: boolean;
  /** Attribute that holds the time, a number of seconds since 1970. */
  readonly attributeName?: string;
}

/**
 * Keeps a record of every change of an item for 24 hours, which consumers of DynamoDB Streams
 * read; off when left out. Another streamViewType begins another stream, with another ARN.
 */
export interface StreamSpecification {
  /** Whether changes are recorded. */
  readonly streamEnabled: boolean;
  /**
   * What a record holds of the item, its keys (KEYS_ONLY), the item after the change (NEW_IMAGE),
   * before it (OLD_IMAGE), or both.
   */
  readonly streamViewType?: 'KEYS_ONLY' | 'NEW_IMAGE' | 'OLD_IMAGE' | 'NEW_AND_OLD_IMAGES';
}

/** A trigger. */
export interface Trigger {
  /** Name of the trigger. One that is renamed begins anew. */
  readonly name: string;
  /** Where events are posted to. */
  readonly target: Target;
  /**
   * Certificates of the authorities that vouch for the target, in the namespace of the Table; those
   * of the system when left out.
   */
  readonly caBundleRef?: CaBundleRef;
  /**
   * Secret in the namespace of the Table by which the target knows who calls; none when left out.
   */
  readonly authSecretRef?: AuthSecretRef;
  /**
   * Whether events are posted; a trigger that is off keeps its place, as long as the stream has the
   * records. Default: true.
   */
  readonly enabled: boolean;
  /** Most records of an event. Default: 100. */
  readonly batchSize: number;
  /** How long an event that has fewer waits for more. Default: 0. */
  readonly maximumBatchingWindowSeconds: number;
  /**
   * Where a new trigger begins, with the changes to come (LATEST), or with the oldest that the
   * stream has (TRIM_HORIZON). Default: LATEST.
   */
  readonly startingPosition: 'TRIM_HORIZON' | 'LATEST';
  /** Events of one partition that are under way at once; items keep their order. Default: 1. */
  readonly parallelizationFactor: number;
  /** Tries after the first, before records are given up; -1 is without end. Default: -1. */
  readonly maximumRetryAttempts: number;
  /**
   * Age at which records are given up; -1 is when the stream has lost them, after 24 hours.
   * Default: -1.
   */
  readonly maximumRecordAgeSeconds: number;
  /** Whether an event that fails is halved before it is tried again. Default: false. */
  readonly bisectBatchOnFunctionError: boolean;
  /**
   * Whether the target may answer which records have failed, as batchItemFailures. Default: false.
   */
  readonly reportBatchItemFailures: boolean;
  /**
   * JSON texts in the syntax of event filter patterns; a record is sent if one of them matches, or
   * if there are none.
   */
  readonly filterPatterns?: readonly string[];
  /** How long the target may take for an event. Default: 30. */
  readonly timeoutSeconds: number;
  /**
   * Told of records that are given up, with the records themselves; they are only logged and
   * counted when left out.
   */
  readonly deadLetter?: DeadLetter;
}

/** Where events are posted to. */
export interface Target {
  /** An http or https address outside or inside the cluster. */
  readonly url?: string;
  /** A Service of the cluster. */
  readonly service?: Service;
}

/** A Service of the cluster. */
export interface Service {
  /** Name of the Service. */
  readonly name: string;
  /** Namespace of the Service; that of the Table when left out. */
  readonly namespace?: string;
  /** Port of the Service; 80, or 443 with scheme https, when left out. */
  readonly port?: number;
  /** Path that events are posted to. Default: /. */
  readonly path: string;
  /** With https, the certificate has to be made out to <name>.<namespace>.svc. Default: http. */
  readonly scheme: 'http' | 'https';
}

/**
 * Certificates of the authorities that vouch for the target, in the namespace of the Table; those
 * of the system when left out.
 */
export interface CaBundleRef {
  /** What holds them. Default: ConfigMap. */
  readonly kind: 'ConfigMap' | 'Secret';
  /** Name of the ConfigMap or Secret. */
  readonly name: string;
  /** Key of the PEM text in it. Default: ca.crt. */
  readonly key: string;
}

/**
 * Secret in the namespace of the Table by which the target knows who calls; none when left out.
 */
export interface AuthSecretRef {
  /** Name of the Secret. */
  readonly name: string;
  /** Key in it. */
  readonly key: string;
  /**
   * HMAC signs each event and its time with the secret (headers x-trestle-timestamp and
   * x-trestle-signature), BEARER sends it as a token. Default: HMAC.
   */
  readonly scheme: 'HMAC' | 'BEARER';
}

/**
 * Told of records that are given up, with the records themselves; they are only logged and
 * counted when left out.
 */
export interface DeadLetter {
  /** Where it is posted to. */
  readonly target: Target;
  /**
   * Certificates of the authorities that vouch for the target, in the namespace of the Table; those
   * of the system when left out.
   */
  readonly caBundleRef?: CaBundleRef;
  /**
   * Secret in the namespace of the Table by which the target knows who calls; none when left out.
   */
  readonly authSecretRef?: AuthSecretRef;
}

/** A tag. */
export interface Tag {
  /** Letters, digits, spaces and + - = . _ : / @; must not begin with aws: */
  readonly key: string;
  /** Letters, digits, spaces and + - = . _ : / @, or empty. */
  readonly value: string;
}

/** The volume of each replica. */
export interface Storage {
  /** StorageClass of the volumes, the cluster's default when left out; cannot be changed. */
  readonly storageClassName?: string;
  /** Size of each volume; can be raised if the StorageClass allows expansion. Default: 10Gi. */
  readonly size: number | string;
}

/** Where the replicas run, and with what. */
export interface Placement {
  /** Replicas of the table: 1, 3 or 5; cannot be changed. Default: 3. */
  readonly replicationFactor: 1 | 3 | 5;
  /** Zones that may hold replicas; all when left out. */
  readonly zones?: readonly string[];
  /**
   * Node label whose values are the zones; cannot be changed. Default: topology.kubernetes.io/zone.
   */
  readonly topologyKey: string;
  /**
   * With fewer zones than replicas: several replicas in a zone (Colocate), or wait for zones.
   * Default: Colocate.
   */
  readonly whenZonesInsufficient: 'Colocate' | 'Wait';
  /**
   * Whether two replicas may share a host when there is no other (Preferred), or never (Required).
   * Default: Preferred.
   */
  readonly hostAntiAffinity: 'Preferred' | 'Required';
  /** Labels of nodes that may run replicas. */
  readonly nodeSelector?: Readonly<Record<string, string>>;
  /** Taints of nodes that replicas tolerate. */
  readonly tolerations?: readonly Toleration[];
  /** PriorityClass of the pods. */
  readonly priorityClassName?: string;
  /** CPU and memory of each pod. */
  readonly resources?: Resources;
}

/** A toleration, as in a pod. */
export interface Toleration {
  /** Key of the taint; all taints when left out, with operator Exists. */
  readonly key?: string;
  /** Equal compares the value, Exists does not look at it; Equal when left out. */
  readonly operator?: 'Exists' | 'Equal';
  /** Value of the taint, with operator Equal. */
  readonly value?: string;
  /** Effect of the taint; all effects when left out. */
  readonly effect?: 'NoSchedule' | 'PreferNoSchedule' | 'NoExecute';
  /** How long a NoExecute taint is tolerated; for good when left out. */
  readonly tolerationSeconds?: number;
}

/** CPU and memory of each pod. */
export interface Resources {
  /** What a pod is promised, such as cpu: 500m. */
  readonly requests?: Readonly<Record<string, number | string>>;
  /** What a pod may use at most. */
  readonly limits?: Readonly<Record<string, number | string>>;
}

/** What the pods of the replicas get besides what the operator gives them. */
export interface PodTemplate {
  /** Labels and annotations of the pods. */
  readonly metadata?: PodTemplateMetadata;
  /**
   * Parts of a pod spec, merged over that of the operator; what would take away its volumes, ports
   * or security is refused in status.
   */
  readonly spec?: Readonly<Record<string, unknown>>;
}

/** Labels and annotations of the pods. */
export interface PodTemplateMetadata {
  /** Labels to add. */
  readonly labels?: Readonly<Record<string, string>>;
  /** Annotations to add. */
  readonly annotations?: Readonly<Record<string, string>>;
}

/** What the table is, as the operator observed it. */
export interface TableStatus {
  /**
   * The metadata.generation that this status is about; -1 before the operator has seen the Table.
   */
  readonly observedGeneration?: number;
  /**
   * Conditions in the form of kstatus: Ready always; Reconciling and Stalled while they are True;
   * others as they apply.
   */
  readonly conditions?: readonly Condition[];
  /** Status of the table as DescribeTable shows it. */
  readonly tableStatus?: 'CREATING' | 'UPDATING' | 'DELETING' | 'ACTIVE';
  /** ARN of the table. */
  readonly tableARN?: string;
  /** Id of this incarnation of the table, a UUID. */
  readonly tableID?: string;
  /** When the table was created. */
  readonly creationDateTime?: string;
  /** Items in the table. */
  readonly itemCount?: number;
  /** Bytes of all items, in the count of DynamoDB. */
  readonly tableSizeBytes?: number;
  /** ARN of the table's stream, or of the one it had last. */
  readonly latestStreamARN?: string;
  /** Label of that stream, the time when it was enabled. */
  readonly latestStreamLabel?: string;
  /** URL at which clients in the cluster reach the table. */
  readonly endpoint?: string;
  /** Provisioned throughput of the table as it holds. */
  readonly provisionedThroughput?: ProvisionedThroughputStatus;
  /** Global secondary indexes as they are. */
  readonly globalSecondaryIndexes?: readonly GlobalSecondaryIndexStatus[];
  /** Partitions of the table and its global indexes, counted. */
  readonly partitions?: PartitionsStatus;
  /** The first 64 partitions. */
  readonly partitionList?: readonly PartitionStatus[];
  /** Replica positions, each a StatefulSet bound to one zone. */
  readonly slots?: readonly SlotStatus[];
  /** Storage nodes of the table; routers find them here. */
  readonly nodes?: readonly NodeStatus[];
  /** Volumes of the table. */
  readonly storage?: StorageStatus;
  /** The rollout of a new pod template, while one runs. */
  readonly rollout?: RolloutStatus;
}

/** A condition. */
export interface Condition {
  /** Type of the condition, such as Ready. */
  readonly type: string;
  /** Whether the condition holds. */
  readonly status: 'True' | 'False' | 'Unknown';
  /** Why, as one word. */
  readonly reason: string;
  /** Why, for people. */
  readonly message: string;
  /** When status last changed. */
  readonly lastTransitionTime: string;
  /** The metadata.generation that the condition is about. */
  readonly observedGeneration?: number;
}

/** Provisioned throughput of the table as it holds. */
export interface ProvisionedThroughputStatus {
  /** Read capacity units; 0 in on-demand mode. */
  readonly readCapacityUnits?: number;
  /** Write capacity units; 0 in on-demand mode. */
  readonly writeCapacityUnits?: number;
  /** When units were last raised. */
  readonly lastIncreaseDateTime?: string;
  /** When units were last lowered. */
  readonly lastDecreaseDateTime?: string;
  /** How often units were lowered on this day (UTC). */
  readonly numberOfDecreasesToday?: number;
}

/** A global secondary index. */
export interface GlobalSecondaryIndexStatus {
  /** Name of the index. */
  readonly indexName: string;
  /** ARN of the index. */
  readonly indexARN?: string;
  /** Status of the index as DescribeTable shows it. */
  readonly indexStatus?: 'CREATING' | 'UPDATING' | 'DELETING' | 'ACTIVE';
  /** Whether items that were there before the index are being added to it. */
  readonly backfilling?: boolean;
  /** How far that is, by the hashes of partition keys; 99 at most while the index is not ACTIVE. */
  readonly backfillPercent?: number;
  /** Items in the index. */
  readonly itemCount?: number;
  /** Bytes of the index. */
  readonly indexSizeBytes?: number;
  /** Provisioned throughput of the index as it holds. */
  readonly provisionedThroughput?: ProvisionedThroughputStatus;
}

/** Partitions of the table and its global indexes, counted. */
export interface PartitionsStatus {
  /** All. */
  readonly total?: number;
  /** Those with a leader and all their replicas. */
  readonly ready?: number;
  /** Those with fewer replicas than replicationFactor. */
  readonly underReplicated?: number;
  /** Those that nobody leads, so that they take no writes. */
  readonly leaderless?: number;
}

/** A partition. */
export interface PartitionStatus {
  /** Id of the partition. */
  readonly id: string;
  /** First hash of its range, in hexadecimal. */
  readonly keyRangeStart?: string;
  /** First hash after its range, in hexadecimal. */
  readonly keyRangeEnd?: string;
  /** State of the partition. */
  readonly state?: string;
  /** Pod that leads it. */
  readonly leader?: string;
  /** Bytes of its items. */
  readonly sizeBytes?: number;
  /** Its replicas. */
  readonly replicas?: readonly ReplicaStatus[];
}

/** A replica. */
export interface ReplicaStatus {
  /** Pod that holds it. */
  readonly pod: string;
  /** Slot of that pod. */
  readonly slot?: number;
  /** Voter or learner. */
  readonly state?: string;
}

/** A slot. */
export interface SlotStatus {
  /** Number of the slot, from 0. */
  readonly slot: number;
  /** Zone that the slot is bound to; empty where nodes have no zone labels. */
  readonly zone?: string;
  /** Name of its StatefulSet. */
  readonly statefulSet?: string;
  /** Pods it is to have. */
  readonly replicas?: number;
  /** Pods that are ready. */
  readonly readyReplicas?: number;
  /** Pods at the newest template. */
  readonly updatedReplicas?: number;
  /** Newest revision of its template. */
  readonly revision?: string;
}

/** A storage node. */
export interface NodeStatus {
  /** Name of the pod, which is the id of the node. */
  readonly name: string;
  /** Zone of the node. */
  readonly zone?: string;
  /** DNS name of the node. */
  readonly host: string;
  /** Port for routers and other nodes. */
  readonly port: number;
  /** Whether the node can vote and serve. */
  readonly isReady?: boolean;
}

/** Volumes of the table. */
export interface StorageStatus {
  /** Size that every volume has; storage.size of the spec cannot go below it. */
  readonly committedSize?: string;
  /** Smallest capacity that a volume reports. */
  readonly capacity?: string;
  /** Whether volumes are being grown. */
  readonly resizing?: boolean;
  /** How full the fullest volume is. */
  readonly usedPercent?: number;
  /** Pods whose volume went above 85 % and has not been below 80 % since. */
  readonly almostFull?: readonly string[];
}

/** The rollout of a new pod template, while one runs. */
export interface RolloutStatus {
  /** What the rollout is doing. */
  readonly phase?: string;
  /** Slot it is at. */
  readonly slot?: number;
  /** Pod it is at. */
  readonly pod?: string;
  /** When it began. */
  readonly startedAt?: string;
}
