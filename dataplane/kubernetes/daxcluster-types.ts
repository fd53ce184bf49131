/** Made by hack/generate from crds/daxcluster.yaml. Change it there. */

/** What the cluster is to be. */
export interface DaxClusterSpec {
  /**
   * Name in ARNs and policies, unique in the namespace; metadata.name when left out; cannot be
   * changed.
   */
  readonly clusterName?: string;
  /** How many nodes there are; kubectl scale changes it. Default: 3. */
  readonly replicationFactor: number;
  /** What the cluster may do on tables, whoever calls it. */
  readonly roleRef: RoleRef;
  /**
   * How long what was read is kept; changes reach running nodes without a restart, within about two
   * minutes.
   */
  readonly parameterGroup: ParameterGroup;
  /**
   * CPU and memory of each node, 100m and 512Mi with a limit of 1Gi of memory when left out;
   * without a limit of memory its request is the limit, or 1Gi.
   */
  readonly resources?: Resources;
  /**
   * How much of the limit of memory items and pages may take, in percent; less where the node
   * itself would not fit beside them. Default: 70.
   */
  readonly cacheMemoryPercent: number;
  /** TLS serves daxs and https alone, NONE dax and http alone; cannot be changed. Default: TLS. */
  readonly clusterEndpointEncryptionType: 'NONE' | 'TLS';
  /** The certificate that clients see; one of the namespace's own authority when left out. */
  readonly tls?: Tls;
  /**
   * A second level of the cache that all nodes share; Managed when left out where the installation
   * has an image of Redis, else None.
   */
  readonly redis?: Redis;
  /**
   * The Service that clients ask for the nodes, and by which SDKs reach the DynamoDB API of the
   * cache.
   */
  readonly service: Service;
  /**
   * Zones of the nodes, one an element; nodes are spread over them evenly; over all zones, as far
   * as possible, when left out or empty.
   */
  readonly availabilityZones?: readonly string[];
  /** Labels that machines for the nodes must have. */
  readonly nodeSelector?: Readonly<Record<string, string>>;
  /** Taints of machines that are put up with. */
  readonly tolerations?: readonly Toleration[];
  /** What the pods of the nodes get besides what the operator gives them. */
  readonly podTemplate?: PodTemplate;
}

/** DaxClusterSpec as it is written: the API server adds what has a default. */
export type WrittenDaxClusterSpec = Omit<DaxClusterSpec, DaxClusterSpecDefault> &
  Partial<Pick<DaxClusterSpec, DaxClusterSpecDefault>>;

type DaxClusterSpecDefault =
  | 'replicationFactor'
  | 'parameterGroup'
  | 'cacheMemoryPercent'
  | 'clusterEndpointEncryptionType'
  | 'service';

/** What the cluster may do on tables, whoever calls it. */
export interface RoleRef {
  /**
   * AccessPolicy for a role of the cluster's own with that policy, AccessKey for whatever the
   * subject of that key may do.
   */
  readonly kind: 'AccessPolicy' | 'AccessKey';
  /** Name of the AccessPolicy or AccessKey in the namespace of the DaxCluster. */
  readonly name: string;
}

/**
 * How long what was read is kept; changes reach running nodes without a restart, within about two
 * minutes.
 */
export interface ParameterGroup {
  /**
   * Life of an item in the item cache; 0 keeps it until it is written or there is no room. Default:
   * 300000.
   */
  readonly recordTTLMillis: number;
  /** Life of a page in the query cache; 0 caches no pages. Default: 300000. */
  readonly queryTTLMillis: number;
}

/**
 * CPU and memory of each node, 100m and 512Mi with a limit of 1Gi of memory when left out;
 * without a limit of memory its request is the limit, or 1Gi.
 */
export interface Resources {
  /** What each node is sure to get. */
  readonly requests?: Readonly<Record<string, number | string>>;
  /** What each node may take at most. */
  readonly limits?: Readonly<Record<string, number | string>>;
}

/** The certificate that clients see; one of the namespace's own authority when left out. */
export interface Tls {
  /**
   * Secret of type kubernetes.io/tls in the namespace of the DaxCluster, which has to name the host
   * of the URL that clients use; a renewed one comes without a restart.
   */
  readonly secretName: string;
}

/**
 * A second level of the cache that all nodes share; Managed when left out where the installation
 * has an image of Redis, else None.
 */
export interface Redis {
  /**
   * Managed for one that the operator runs, External for one that is there, None for the memory of
   * the nodes alone.
   */
  readonly mode: 'Managed' | 'External' | 'None';
  /**
   * CPU and memory of the managed one, 50m and 128Mi with a limit of 512Mi of memory when left out;
   * it keeps entries in three quarters of its limit of memory.
   */
  readonly resources?: RedisResources;
  /**
   * Where the external one is, redis://HOST:PORT or rediss://HOST:PORT with TLS, with the number of
   * the database behind a slash if it is not 0.
   */
  readonly url?: string;
  /** Password of the external one; none when left out. */
  readonly passwordSecretRef?: PasswordSecretRef;
  /**
   * Authority of the external one's certificate, in PEM, where it is none that is known everywhere;
   * a renewed one comes without a restart.
   */
  readonly caSecretRef?: CaSecretRef;
}

/**
 * CPU and memory of the managed one, 50m and 128Mi with a limit of 512Mi of memory when left out;
 * it keeps entries in three quarters of its limit of memory.
 */
export interface RedisResources {
  /** What it is sure to get. */
  readonly requests?: Readonly<Record<string, number | string>>;
  /** What it may take at most. */
  readonly limits?: Readonly<Record<string, number | string>>;
}

/** Password of the external one; none when left out. */
export interface PasswordSecretRef {
  /** Name of the Secret in the namespace of the DaxCluster. */
  readonly name: string;
  /** Key in it. */
  readonly key: string;
}

/**
 * Authority of the external one's certificate, in PEM, where it is none that is known everywhere;
 * a renewed one comes without a restart.
 */
export interface CaSecretRef {
  /** Name of the Secret in the namespace of the DaxCluster. */
  readonly name: string;
  /** Key in it. */
  readonly key: string;
}

/**
 * The Service that clients ask for the nodes, and by which SDKs reach the DynamoDB API of the
 * cache.
 */
export interface Service {
  /**
   * Where it can be reached; DAX clients call nodes by the addresses of their pods, so from outside
   * only HTTP and HTTPS work. Default: ClusterIP.
   */
  readonly type: 'ClusterIP' | 'NodePort' | 'LoadBalancer';
  /** Port of the DAX protocol; 9111 with TLS and 8111 without when left out. */
  readonly port?: number;
  /** Annotations of the Service, such as a load balancer's settings. */
  readonly annotations?: Readonly<Record<string, string>>;
}

/** A taint, or several. */
export interface Toleration {
  /** Key of the taint; all when left out, with operator Exists. */
  readonly key?: string;
  /** How value is compared; Equal when left out. */
  readonly operator?: 'Exists' | 'Equal' | 'Lt' | 'Gt';
  /** Value of the taint. */
  readonly value?: string;
  /** Effect of the taint; all when left out. */
  readonly effect?: 'NoSchedule' | 'PreferNoSchedule' | 'NoExecute';
  /** How long NoExecute is put up with; for ever when left out. */
  readonly tolerationSeconds?: number;
}

/** What the pods of the nodes get besides what the operator gives them. */
export interface PodTemplate {
  /** Further labels and annotations of the pods. */
  readonly metadata?: PodTemplateMetadata;
  /**
   * Laid over the pod spec last; ports, volumes, security and memory of the operator's own
   * container stay its own.
   */
  readonly spec?: Readonly<Record<string, unknown>>;
}

/** Further labels and annotations of the pods. */
export interface PodTemplateMetadata {
  /** Further labels. */
  readonly labels?: Readonly<Record<string, string>>;
  /** Further annotations. */
  readonly annotations?: Readonly<Record<string, string>>;
}

/** What the cluster is, as the operator observed it. */
export interface DaxClusterStatus {
  /**
   * The metadata.generation that this status is about; -1 before the operator has seen the
   * DaxCluster.
   */
  readonly observedGeneration?: number;
  /**
   * Conditions in the form of kstatus: Ready, CertificatesReady and RedisAvailable always;
   * Reconciling and Stalled while they are True.
   */
  readonly conditions?: readonly Condition[];
  /** As DescribeClusters of Amazon's DAX would say it. */
  readonly status?: 'creating' | 'available' | 'modifying' | 'deleting';
  /** ARN of the cluster, which policies name. */
  readonly clusterARN?: string;
  /** How many nodes there are, whatever they do. */
  readonly totalNodes?: number;
  /** How many of them serve. */
  readonly activeNodes?: number;
  /** Selects the pods of the nodes, for the scale subresource. */
  readonly selector?: string;
  /** Where DAX clients ask for the nodes. */
  readonly clusterDiscoveryEndpoint?: ClusterDiscoveryEndpointStatus;
  /** What every DynamoDB SDK takes as its endpoint to go through the cache. */
  readonly httpEndpoint?: string;
  /** The nodes, by their ids. */
  readonly nodes?: readonly NodeStatus[];
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

/** Where DAX clients ask for the nodes. */
export interface ClusterDiscoveryEndpointStatus {
  /** Full DNS name of the Service; DAX clients look no shorter one up. */
  readonly address?: string;
  /** Port of the DAX protocol. */
  readonly port?: number;
  /** What DAX clients take as their endpoint. */
  readonly url?: string;
}

/** A node. */
export interface NodeStatus {
  /** Name of the node, which is its pod's. */
  readonly nodeID: string;
  /** Where the node itself is. */
  readonly endpoint?: EndpointStatus;
  /** Zone of the machine that it runs on. */
  readonly availabilityZone?: string;
  /** One of: creating, available, unavailable, rebooting, deleting. */
  readonly nodeStatus?: string;
  /** in-sync when the node has the parameters of the spec, applying until then. */
  readonly parameterGroupStatus?: string;
  /** When its pod was made. */
  readonly nodeCreateTime?: string;
}

/** Where the node itself is. */
export interface EndpointStatus {
  /** DNS name of the pod. */
  readonly address?: string;
  /** Port of the DAX protocol. */
  readonly port?: number;
}
