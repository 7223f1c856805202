/**
 * Gives the memory of bytes that nobody reads any more back at once: the garbage collector lets a hundred megabytes of large buffers gather.
 * Memory that Node shares between small buffers is left alone.
 */
export function giveBack(bytes: Uint8Array): void {
  const { buffer } = bytes;
  // What Node shares is little more than its pool's size, and no buffer in it fills it.
  const isOwn = buffer.byteLength >= 2 * Buffer.poolSize || (bytes.length === buffer.byteLength && bytes.length > Buffer.poolSize / 2);
  if (isOwn && "transfer" in buffer) buffer.transfer(0);
}
