/** Fresh random bytes for keys, salts and nonces: the one place in this folder where bits are drawn. */
import { randomBytes } from 'node:crypto';

/** `count` bytes of the system's generator (RFC 4086) by OpenSSL. */
export function freshBytes(count: number): Uint8Array {
  return randomBytes(count);
}
