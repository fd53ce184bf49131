/** Reaches the leader of another partition, wherever it is. */
export interface Locate {
  /**
   * Calls a method of the node that leads the partition, finding it anew if need be.
   * @throws RequestFailed, RemoteFailure
   */
  callLeader(
    partitionId: bigint,
    method: string,
    body: unknown,
    timeoutMs: number,
  ): Promise<unknown>;
}
