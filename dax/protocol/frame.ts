/** Length of the frame with this head, four flag bytes. */
const HEAD_BYTES = 8;
const FLAGS_AT = 4;
const END_OF_MESSAGE = 1;

/**
 * A reply as those clients want it whose preamble asks for frames: one frame that ends the message. Its head has the
 * length of all of it in four bytes, the highest first, and flags. Requests of these clients have no frames.
 * Source: `FrameHandler` and `Frame` of Amazon's client for Java (amazon-dax-client 2.0.5), which take a message in
 * several frames too.
 */
export function framed(reply: Buffer): Buffer {
  const head = Buffer.alloc(HEAD_BYTES);
  head.writeInt32BE(HEAD_BYTES + reply.length);
  head[FLAGS_AT] = END_OF_MESSAGE;
  return Buffer.concat([head, reply]);
}
