/** SM4-GCM: the published examples, any flipped bit refused, and two ways to the same bytes. */
import { createCipheriv, createDecipheriv, getCipherInfo } from 'node:crypto';
import fc from 'fast-check';
import { sm4 } from 'sm-crypto-v2';
import { describe, expect, test } from 'vitest';
import type { Aead } from '#crypto/aead.ts';
import { toHex } from '#crypto/bytes.ts';
import { ghash } from '#crypto/sm/ghash.ts';
import { composedSm4Gcm, nativeSm4Gcm, sm4Gcm } from '#crypto/sm/sm4-gcm.ts';
import { isOpensslSm2Missing, openssl } from '#tests/support/openssl.ts';
import vectors from '../../vectors/sm.json' with { type: 'json' };

const hex = (text: string): Buffer => Buffer.from(text, 'hex');
const { plaintext, ciphertext, tag, ...published } = vectors.sm4Gcm;
const [KEY, NONCE, AAD] = [hex(published.key), hex(published.nonce), hex(published.aad)];

const WAYS: readonly { readonly name: string; readonly aead: Aead }[] = [
  { name: 'composed', aead: composedSm4Gcm },
  ...(nativeSm4Gcm === null ? [] : [{ name: 'native', aead: nativeSm4Gcm }]),
];

const bytes = (maxLength: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ maxLength });
const exactly = (length: number): fc.Arbitrary<Uint8Array> =>
  fc.uint8Array({ minLength: length, maxLength: length });
const message = fc.tuple(exactly(16), exactly(12), bytes(70), bytes(300));

describe('SM4, GB/T 32907', () => {
  test('one block', () => {
    const cipher = createCipheriv('sm4-ecb', hex(vectors.sm4.key), new Uint8Array());
    expect(cipher.update(hex(vectors.sm4.plaintext)).toString('hex')).toBe(vectors.sm4.once);
  });

  test('a million times over', () => {
    // CBC over zeros encrypts its own last block again, and begins with the initial vector.
    const cipher = createCipheriv('sm4-cbc', hex(vectors.sm4.key), hex(vectors.sm4.plaintext));
    const chain = cipher.update(Buffer.alloc(16 * 1_000_000));
    expect(chain.subarray(-16).toString('hex')).toBe(vectors.sm4.millionTimes);
  });
});

describe.for(WAYS)('$name', ({ aead }) => {
  test('RFC 8998 appendix A.1', () => {
    const sealed = aead.seal(KEY, NONCE, AAD, hex(plaintext));
    expect(toHex(sealed)).toBe(ciphertext + tag);
    expect(toHex(aead.open(KEY, NONCE, AAD, sealed)!)).toBe(plaintext);
  });

  test('open undoes seal, and a second implementation makes the same bytes', () => {
    fc.assert(
      fc.property(message, ([key, nonce, aad, text]) => {
        const sealed = aead.seal(key, nonce, aad, text);
        expect(toHex(sealed)).toBe(toHex(referenceSeal(key, nonce, aad, text)));
        expect(toHex(aead.open(key, nonce, aad, sealed)!)).toBe(toHex(text));
      }),
      { numRuns: 100 },
    );
  });

  test('texts around whole blocks, and of a whole segment', () => {
    for (const size of [0, 1, 15, 16, 17, 65_535, 65_537, 1 << 20]) {
      const text = Buffer.alloc(size, 7);
      const sealed = aead.seal(KEY, NONCE, AAD, text);
      expect(sealed.length).toBe(size + 16);
      expect(Buffer.compare(aead.open(KEY, NONCE, AAD, sealed)!, text)).toBe(0);
    }
  });

  test('every flipped bit of key, nonce, associated data and sealed text is refused', () => {
    const sealed = aead.seal(KEY, NONCE, AAD, hex(plaintext));
    for (let place = 0; place < 4; place += 1) {
      const given = [KEY, NONCE, AAD, sealed] as [Uint8Array, Uint8Array, Uint8Array, Uint8Array];
      for (let bit = 0; bit < given[place]!.length * 8; bit += 1) {
        const changed = [...given] as typeof given;
        changed[place] = flipped(given[place]!, bit);
        expect(aead.open(...changed)).toBeNull();
      }
    }
  });

  test('every shorter and any longer text is refused', () => {
    const sealed = aead.seal(KEY, NONCE, AAD, hex(plaintext));
    for (let length = 0; length < sealed.length; length += 1)
      expect(aead.open(KEY, NONCE, AAD, sealed.subarray(0, length))).toBeNull();
    expect(aead.open(KEY, NONCE, AAD, Buffer.concat([sealed, Buffer.of(0)]))).toBeNull();
  });

  test.for([
    { name: 'a key of 15 bytes', key: KEY.subarray(1), nonce: NONCE },
    { name: 'a key of 32 bytes', key: Buffer.alloc(32), nonce: NONCE },
    { name: 'a nonce of 11 bytes', key: KEY, nonce: NONCE.subarray(1) },
    { name: 'a nonce of 16 bytes', key: KEY, nonce: Buffer.alloc(16) },
  ])('$name is a fault of the caller', ({ key, nonce }) => {
    expect(() => aead.seal(key, nonce, AAD, AAD)).toThrow(RangeError);
    expect(() => aead.open(key, nonce, AAD, hex(ciphertext + tag))).toThrow(RangeError);
  });
});

test('is native where Node has it, and then makes and opens the bytes of the composed one', () => {
  expect(nativeSm4Gcm === null).toBe(getCipherInfo('sm4-gcm') === undefined);
  expect(sm4Gcm).toBe(nativeSm4Gcm ?? composedSm4Gcm);
  fc.assert(
    fc.property(message, ([key, nonce, aad, text]) => {
      const sealed = composedSm4Gcm.seal(key, nonce, aad, text);
      expect(toHex(sm4Gcm.seal(key, nonce, aad, text))).toBe(toHex(sealed));
      expect(toHex(sm4Gcm.open(key, nonce, aad, sealed)!)).toBe(toHex(text));
    }),
  );
});

test.skipIf(isOpensslSm2Missing)(
  "OpenSSL's command reads the ciphertext as counter mode from block 2 on",
  () => {
    const sealed = sm4Gcm.seal(KEY, NONCE, AAD, hex(plaintext));
    const counter = `${published.nonce}00000002`;
    const words = ['enc', '-d', '-sm4-ctr', '-K', published.key, '-iv', counter];
    expect(openssl(words, sealed.subarray(0, -16)).toString('hex')).toBe(plaintext);
  },
);

describe('negative controls', () => {
  test('without the block of lengths a byte moves from the text into the associated data unnoticed', () => {
    const forge = (open: typeof openCareless): boolean => {
      // Zero bytes: padding to whole blocks makes them the same to GHASH, wherever they end.
      const [aad, text] = [Buffer.alloc(16, 1), Buffer.alloc(0)];
      const sealed = open === openCareless ? sealCareless(aad, text) : sm4Gcm.seal(KEY, NONCE, aad, text);
      const [moved, rest] = [Buffer.alloc(0), Buffer.concat([aad, sealed])];
      return open(KEY, NONCE, moved, rest) !== null;
    };
    expect(forge(openCareless)).toBe(true);
    expect(forge((...given) => sm4Gcm.open(...given))).toBe(false);
  });

  test('a tag compared over four bytes lets flipped bits through', () => {
    const sealed = sm4Gcm.seal(KEY, NONCE, AAD, hex(plaintext));
    const passes = (open: Aead['open']): number => {
      let count = 0;
      for (let bit = 0; bit < sealed.length * 8; bit += 1)
        if (open(KEY, NONCE, AAD, flipped(sealed, bit)) !== null) count += 1;
      return count;
    };
    // The last twelve bytes of the tag are 96 bits.
    expect(passes(openShort)).toBe(96);
    expect(passes((...given) => sm4Gcm.open(...given))).toBe(0);
  });
});

function flipped(whole: Uint8Array, bit: number): Uint8Array {
  const changed = new Uint8Array(whole);
  changed[bit >> 3] = changed[bit >> 3]! ^ (1 << (bit & 7));
  return changed;
}

function referenceSeal(key: Uint8Array, iv: Uint8Array, aad: Uint8Array, text: Uint8Array): Uint8Array {
  const options = { mode: 'gcm', iv, associatedData: aad, output: 'array', outputTag: true } as const;
  const { output, tag: mark } = sm4.encrypt(text, key, options);
  return Buffer.concat([output, mark!]);
}

/** GCM as it must not be: no block of lengths. */
function carelessTag(aad: Uint8Array, text: Uint8Array): Uint8Array {
  const block = (content: Buffer): Buffer => createCipheriv('sm4-ecb', KEY, new Uint8Array()).update(content);
  const mask = block(Buffer.concat([NONCE, hex('00000001')]));
  const hash = ghash(block(Buffer.alloc(16)), [aad, text]);
  return hash.map((byte, at) => byte ^ mask[at]!);
}

function sealCareless(aad: Uint8Array, text: Uint8Array): Buffer {
  return Buffer.concat([text, carelessTag(aad, text)]);
}

function openCareless(
  _key: Uint8Array,
  _nonce: Uint8Array,
  aad: Uint8Array,
  sealed: Uint8Array,
): Uint8Array | null {
  const [text, mark] = [sealed.subarray(0, -16), sealed.subarray(-16)];
  return Buffer.compare(carelessTag(aad, text), mark) === 0 ? text : null;
}

/** GCM as it must not be: four bytes of the tag. */
function openShort(
  key: Uint8Array,
  nonce: Uint8Array,
  aad: Uint8Array,
  sealed: Uint8Array,
): Uint8Array | null {
  const text = createDecipheriv('sm4-ctr', key, Buffer.concat([nonce, hex('00000002')])).update(
    sealed.subarray(0, -16),
  );
  const want = composedSm4Gcm.seal(key, nonce, aad, text).subarray(-16);
  return Buffer.compare(want.subarray(0, 4), sealed.subarray(-16, -12)) === 0 ? text : null;
}
