/** Where a peer listens. */
export interface PeerAddress {
  readonly host: string;
  readonly port: number;
}

/**
 * Channels between nodes: frames whole and in order, until the channel closes. Implemented by TCP and TLS
 * (`tcp-peer-network.ts`) and by the simulation. Events never come from within a call.
 */
export interface PeerNetwork {
  /** Where others dial this node. */
  readonly port: number;
  /** Begins to connect. */
  dial(address: PeerAddress, events: ChannelEvents): Channel;
  /** One handler, for channels that others opened. */
  onChannel(handler: (channel: Channel) => ChannelEvents): void;
  close(): Promise<void>;
}

export interface Channel {
  /** Lost without a word once the channel is closed, or about to be. At most `FRAME_BYTES_MAX`. */
  send(frame: Uint8Array): void;
  /** No events come any more. */
  close(): void;
}

export interface ChannelEvents {
  /** Of a channel that was dialled: what is sent from now on arrives, or the channel closes. */
  onOpen(): void;
  onFrame(frame: Buffer): void;
  /** It is over, or was never there. Called once. */
  onClosed(reason: string): void;
}

export const FRAME_BYTES_MAX = 1024 * 1024;
