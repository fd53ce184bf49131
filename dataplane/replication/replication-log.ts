/** Events that people should see, one a fact; fields in camelCase with units. */
export type ReplicationLog = (event: string, fields: object) => void;
