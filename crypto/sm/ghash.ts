/**
 * GHASH (NIST SP 800-38D §6.4): the universal hash of GCM, for a cipher that Node has without its GCM.
 *
 * One table of 64 KiB per key: a block times H is the sum of sixteen entries, one for each byte at its place.
 * Guarantee: the bytes of the standard, compared in tests with Node's AES-GCM and with @noble/ciphers.
 * Not covered: caches. The entries looked up depend on the text and the key, so a neighbour that observes the
 * caches of this machine is not kept off.
 */

const BLOCK_BYTES = 16;
const WORDS = 4;
/** Words of the entries of one byte place. */
const PLACE_WORDS = 256 * WORDS;

/** GHASH of parts that are each padded with zeros to whole blocks, under a 16-byte hash key. 16 bytes. */
export function ghash(hashKey: Uint8Array, parts: readonly Uint8Array[]): Uint8Array {
  const table = tableOf(hashKey);
  const state = new Uint8Array(BLOCK_BYTES);
  for (const part of parts) {
    const whole = part.length - (part.length % BLOCK_BYTES);
    absorb(state, part.subarray(0, whole), table);
    if (whole === part.length) continue;
    const last = new Uint8Array(BLOCK_BYTES);
    last.set(part.subarray(whole));
    absorb(state, last, table);
  }
  table.fill(0);
  return state;
}

/** state ← (state ⊕ block) · H for each block, in order. */
function absorb(state: Uint8Array, blocks: Uint8Array, table: Int32Array): void {
  const view = new DataView(state.buffer);
  const text = new DataView(blocks.buffer, blocks.byteOffset, blocks.byteLength);
  let [a, b, c, d] = [0, 4, 8, 12].map((at) => view.getInt32(at)) as [number, number, number, number];
  for (let at = 0; at < blocks.length; at += BLOCK_BYTES) {
    let [w, x, y, z] = [0, 0, 0, 0];
    let place = 0;
    for (let word = 0; word < WORDS; word += 1) {
      const mixed = text.getInt32(at + 4 * word) ^ (word === 0 ? a : word === 1 ? b : word === 2 ? c : d);
      for (let shift = 24; shift >= 0; shift -= 8) {
        const entry = place + ((mixed >>> shift) & 0xff) * WORDS;
        w ^= table[entry]!;
        x ^= table[entry + 1]!;
        y ^= table[entry + 2]!;
        z ^= table[entry + 3]!;
        place += PLACE_WORDS;
      }
    }
    a = w;
    b = x;
    c = y;
    d = z;
  }
  [a, b, c, d].forEach((word, index) => view.setInt32(4 * index, word));
}

/** Entry (place, byte) is that byte at that place of a block, times H; big-endian words. */
function tableOf(hashKey: Uint8Array): Int32Array {
  const table = new Int32Array(BLOCK_BYTES * PLACE_WORDS);
  const view = new DataView(hashKey.buffer, hashKey.byteOffset, BLOCK_BYTES);
  // H · x^0: the coefficient of x^0 is the first bit of the first byte.
  const power = [0, 4, 8, 12].map((at) => view.getInt32(at)) as [number, number, number, number];
  for (let place = 0; place < BLOCK_BYTES; place += 1) {
    for (let bit = 0x80; bit > 0; bit >>= 1) {
      setSums(table, { at: place * PLACE_WORDS, bit, power });
      timesX(power);
    }
  }
  return table;
}

/** The entries whose lowest bit this is: the entry without that bit, plus the power of that bit. */
function setSums(
  table: Int32Array,
  { at, bit, power }: { readonly at: number; readonly bit: number; readonly power: readonly number[] },
): void {
  // Higher bits came before, so what is left of a byte without its lowest bit is there.
  for (let byte = bit; byte < 256; byte += 2 * bit) {
    for (let word = 0; word < WORDS; word += 1)
      table[at + byte * WORDS + word] = table[at + (byte ^ bit) * WORDS + word]! ^ power[word]!;
  }
}

/** Times x modulo x^128 + x^7 + x^2 + x + 1, in the reflected order of GCM (SP 800-38D §6.3). */
function timesX(power: [number, number, number, number]): void {
  const carry = power[3] & 1;
  for (let word = WORDS - 1; word > 0; word -= 1)
    power[word] = (power[word]! >>> 1) | ((power[word - 1]! & 1) << 31);
  power[0] = (power[0] >>> 1) ^ (carry === 1 ? 0xe1000000 : 0);
}
