/** Envelopes: what is sealed opens, and whatever was done to one is refused before a byte of it is given out. */
import { createDecipheriv, createHash, createHmac } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { aes256Gcm, type Aead } from '#crypto/aead.ts';
import { EnvelopeError } from '#crypto/at-rest/envelope-error.ts';
import { headLength, HEAD_BYTES_MAX, readHead, rewrapHead } from '#crypto/at-rest/envelope-head.ts';
import { Segments } from '#crypto/at-rest/segments.ts';
import { suiteOf } from '#crypto/at-rest/suites.ts';
import { canonicalJson } from '#crypto/canonical.ts';
import type { WrappedKey } from '#crypto/kms/adapter.ts';
import { counted, cut, EXPECTED, KEY, opened, SEALED_SEGMENT, sealed, SEGMENT } from './samples.ts';

const WRAPPED: WrappedKey = { keyId: 'visits-3', version: 1, ciphertext: 'local:v1:AAAA' };

const LONG = { ...WRAPPED, ciphertext: 'a'.repeat(1_024) };

/** The envelope in its parts. */
function partsOf(envelope: Buffer): { head: Buffer; segments: Buffer[] } {
  const at = headLength(envelope)!;
  return {
    head: envelope.subarray(0, at),
    segments: [...cut(envelope.subarray(at), [SEALED_SEGMENT])] as Buffer[],
  };
}

test('every length around the limits of segments comes back, however it is cut', async () => {
  for (let length = 0; length <= 4 * SEGMENT + 2; length += 1) {
    const plaintext = counted(length);
    const envelope = await sealed(plaintext);
    expect(envelope.length - headLength(envelope)!).toBe(
      length + 16 * Math.max(1, Math.ceil(length / SEGMENT)),
    );
    for (const lengths of [[1], [SEALED_SEGMENT], [SEALED_SEGMENT + 1], [79, 3]]) {
      if (lengths[0] === 1 && length % 16 > 1) continue;
      expect(await opened(cut(envelope, lengths))).toEqual({ given: plaintext, code: null });
    }
  }
}, 20_000);

test('open ∘ seal is the identity for any bytes, cuts, segment lengths and contexts', async () => {
  const cuts = fc.array(fc.integer({ min: 1, max: 5_000 }), { minLength: 1, maxLength: 5 });
  const name = fc.stringMatching(/^[a-z][a-zA-Z0-9._-]{0,9}$/);
  const context = fc.dictionary(name, fc.string({ unit: 'grapheme', maxLength: 20 }), {
    minKeys: 1,
    maxKeys: 4,
  });
  await fc.assert(
    fc.asyncProperty(
      fc.uint8Array({ maxLength: 3_000 }),
      fc.integer({ min: 64, max: 1_200 }),
      context,
      cuts,
      async (plaintext, segmentBytes, context, lengths) => {
        const expected = { objectId: 'a', context };
        const envelope = await sealed(plaintext, { ...expected, segmentBytes });
        const outcome = await opened(cut(envelope, lengths), { expected });
        expect(outcome).toEqual({ given: Buffer.from(plaintext), code: null });
      },
    ),
    { numRuns: 150 },
  );
});

test('a MiB and a half in segments of a MiB comes back', async () => {
  const plaintext = counted((3 << 19) + 1);
  const envelope = await sealed(plaintext, { segmentBytes: 1 << 20 });
  expect((await opened(cut(envelope, [65_536]))).given.equals(plaintext)).toBe(true);
});

test('suite 2 seals and opens by SM4-GCM and SM3, and its key opens nothing of suite 1', async () => {
  const dataKey = Buffer.alloc(16, 7);
  for (const length of [0, 1, SEGMENT, SEGMENT + 1, 3 * SEGMENT]) {
    const envelope = await sealed(counted(length), { suite: 2, dataKey });
    expect(await opened(cut(envelope, [50]), { key: dataKey })).toEqual({
      given: counted(length),
      code: null,
    });
    const { head, segments } = partsOf(envelope);
    const truncated = await opened([Buffer.concat([head, ...segments.slice(0, -1)])], { key: dataKey });
    expect(truncated.code).toMatch(/^(TRUNCATED|SEGMENT_REFUSED)$/);
    const relabelled = Buffer.from(envelope);
    relabelled.writeUInt16BE(1, 4);
    expect((await opened([relabelled], { key: dataKey })).code).toBe('KEY_LENGTH');
    expect((await opened([relabelled], { key: KEY })).code).toBe('KEY_REFUSED');
  }
});

test('two envelopes of one content under one key have nothing in common but the head’s names', async () => {
  const [one, two] = [partsOf(await sealed(counted(64))), partsOf(await sealed(counted(64)))];
  expect(one.segments[0]).not.toEqual(two.segments[0]);
  expect(one.head.subarray(-32)).not.toEqual(two.head.subarray(-32));
});

describe('refused, with only authenticated bytes given out before:', () => {
  const plaintext = counted(5 * SEGMENT);

  /** Not to the end, and what was given is a beginning of the plaintext in whole segments. */
  async function expectRefused(envelope: Uint8Array, wholeSegments: number): Promise<void> {
    for (const lengths of [[envelope.length || 1], [97]]) {
      const { given, code } = await opened(cut(envelope, lengths));
      expect(code).not.toBeNull();
      expect(given.length).toBeLessThanOrEqual(wholeSegments * SEGMENT);
      expect(given).toEqual(plaintext.subarray(0, given.length));
    }
  }

  test('truncation at every byte', async () => {
    const envelope = await sealed(plaintext);
    const at = headLength(envelope)!;
    for (let length = 0; length < envelope.length; length += length > 300 && length < at - 40 ? 61 : 1) {
      await expectRefused(
        envelope.subarray(0, length),
        Math.max(0, Math.floor((length - at) / SEALED_SEGMENT)),
      );
    }
  }, 20_000);

  test('extension by anything', async () => {
    const envelope = await sealed(plaintext);
    const { segments } = partsOf(envelope);
    for (const more of [
      Buffer.alloc(1),
      Buffer.alloc(16),
      Buffer.alloc(80),
      segments[4]!,
      segments[0]!,
      envelope,
    ]) {
      await expectRefused(Buffer.concat([envelope, more]), 4);
    }
  });

  test('segments in another order, twice, or left out', async () => {
    const { head, segments } = partsOf(await sealed(plaintext));
    for (let from = 0; from < 5; from += 1) {
      for (let to = 0; to < 5; to += 1) {
        const swapped = segments.with(from, segments[to]!).with(to, segments[from]!);
        const doubled = segments.toSpliced(to, 0, segments[from]!);
        if (from !== to) await expectMixed(swapped);
        await expectMixed(doubled);
      }
      await expectMixed(segments.toSpliced(from, 1));
    }

    /** Refused at the first segment that is not in its place. */
    async function expectMixed(mixed: readonly Buffer[]): Promise<void> {
      const inPlace = mixed.findIndex((segment, at) => segment !== segments[at]);
      await expectRefused(Buffer.concat([head, ...mixed]), inPlace < 0 ? mixed.length : inPlace);
    }
  });

  test('a head or a segment of another envelope of the same key', async () => {
    const [one, two] = [partsOf(await sealed(plaintext)), partsOf(await sealed(plaintext))];
    await expectRefused(Buffer.concat([two.head, ...one.segments]), 0);
    // With the first one's commitment as well.
    const mixed = Buffer.concat([two.head.subarray(0, -32), one.head.subarray(-32), ...one.segments]);
    expect(await opened([mixed])).toEqual({ given: Buffer.alloc(0), code: 'KEY_REFUSED' });
    await expectRefused(Buffer.concat([one.head, ...one.segments.with(2, two.segments[2]!)]), 2);
  });

  test('one bit changed anywhere', async () => {
    const envelope = await sealed(plaintext);
    const at = headLength(envelope)!;
    for (let place = 0; place < envelope.length; place += place > 300 && place < at - 40 ? 61 : 1) {
      const flipped = Buffer.from(envelope);
      flipped[place]! ^= 1 << (place % 8);
      await expectRefused(flipped, Math.max(0, Math.floor((place - at) / SEALED_SEGMENT)));
    }
  }, 20_000);

  test('another key, another context, another object', async () => {
    const envelope = await sealed(plaintext);
    const nothing = Buffer.alloc(0);
    const otherContext = { ...EXPECTED, context: { ...EXPECTED.context, version: '4' } };
    const otherObject = { ...EXPECTED, objectId: 'visits/3/age' };
    const key = Buffer.alloc(32, 8);
    expect(await opened([envelope], { key })).toEqual({ given: nothing, code: 'KEY_REFUSED' });
    expect(await opened([envelope], { key: key.subarray(16) })).toEqual({
      given: nothing,
      code: 'KEY_LENGTH',
    });
    expect(await opened([envelope], { expected: otherContext })).toEqual({
      given: nothing,
      code: 'CONTEXT_MISMATCH',
    });
    expect(await opened([envelope], { expected: otherObject })).toEqual({
      given: nothing,
      code: 'CONTEXT_MISMATCH',
    });
  });
});

test('a seal that its source breaks off never passes for a whole one', async () => {
  const { head, segments } = partsOf(await sealed(counted(3 * SEGMENT)));
  // What such a seal leaves: whole segments, none of them the last.
  const left = await opened([Buffer.concat([head, ...segments.slice(0, 2)])]);
  expect(left).toEqual({ given: counted(SEGMENT), code: 'SEGMENT_REFUSED' });
  expect(await opened([head])).toEqual({ given: Buffer.alloc(0), code: 'TRUNCATED' });
});

describe('the head', () => {
  test('is written in canonical JSON, of which an independent reader makes the same keys', async () => {
    const plaintext = counted(100);
    const envelope = await sealed(plaintext, { wrapped: [WRAPPED] });
    // By the drawing in envelope-head.ts and the text of segments.ts alone, with HMAC for HKDF (RFC 5869 §2).
    const objectBytes = envelope.readUInt32BE(6);
    const text = envelope.toString('utf8', 10, 10 + objectBytes);
    const object = JSON.parse(text) as { readonly salt: string };
    expect(canonicalJson(object)).toBe(text);
    const keysAt = 10 + objectBytes;
    const keys = envelope.toString('utf8', keysAt + 4, keysAt + 4 + envelope.readUInt32BE(keysAt));
    expect(keys).toBe(canonicalJson([WRAPPED]));
    const digest = createHash('sha256').update(envelope.subarray(0, keysAt)).digest();
    const prk = createHmac('sha256', Buffer.from(object.salt, 'base64url')).update(KEY).digest();
    const derive = (label: string): Buffer =>
      createHmac('sha256', prk)
        .update(`unseen/envelope/1/${label} `)
        .update(digest)
        .update(Uint8Array.of(1))
        .digest();
    const at = keysAt + 4_096 + 32;
    expect(envelope.subarray(at - 32, at)).toEqual(derive('commitment'));
    const prefix = derive('nonce').subarray(0, 7);
    const read = [0, 1].map((index) => {
      const place = Buffer.from([0, 0, 0, index, index]);
      const segment = envelope.subarray(at + index * SEALED_SEGMENT, at + (index + 1) * SEALED_SEGMENT);
      const decipher = createDecipheriv('aes-256-gcm', derive('segments'), Buffer.concat([prefix, place]));
      decipher.setAAD(Buffer.concat([digest, place])).setAuthTag(segment.subarray(-16));
      return Buffer.concat([decipher.update(segment.subarray(0, -16)), decipher.final()]);
    });
    expect(Buffer.concat(read)).toEqual(plaintext);
  });

  test('is rewrapped in place: nothing but the key block changes, and all of it opens', async () => {
    const envelope = await sealed(counted(200), { wrapped: [WRAPPED] });
    const { head, segments } = partsOf(envelope);
    const later = { keyId: 'visits-3', version: 2, ciphertext: `vault:v2:${'A'.repeat(900)}` };
    const rewrapped = Buffer.from(rewrapHead(head, [later, WRAPPED]));
    expect(rewrapped.length).toBe(head.length);
    expect(rewrapped.subarray(-32)).toEqual(head.subarray(-32));
    expect(readHead(rewrapped).wrapped).toEqual([later, WRAPPED]);
    expect(readHead(rewrapped).digest).toEqual(readHead(head).digest);
    expect((await opened([rewrapped, ...segments])).given).toEqual(counted(200));
  });

  test('has one spelling, and no other is read', async () => {
    const envelope = await sealed(counted(1), { wrapped: [WRAPPED] });
    const respelled: [string, string][] = [
      ['"objectId"', '"objectId" '],
      ['{"context"', ' {"context"'],
      ['"version":"3"', '"version":3'],
      ['{"context":{"dataset":"visits","version":"3"}', '{"context":{"version":"3","dataset":"visits"}'],
      ['"segmentBytes":64', '"segmentBytes":6.4e1'],
      ['"segmentBytes":64', '"segmentBytes":64,"x":1'],
    ];
    for (const [from, to] of respelled) {
      const length = headLength(envelope)! - 4_138;
      const text = envelope.toString('utf8', 10, 10 + length).replace(from, to);
      const size = Buffer.alloc(4);
      size.writeUInt32BE(Buffer.byteLength(text));
      const other = Buffer.concat([
        envelope.subarray(0, 6),
        size,
        Buffer.from(text),
        envelope.subarray(10 + length),
      ]);
      expect(() => readHead(other)).toThrow(new EnvelopeError('HEAD_MALFORMED'));
    }
  });

  test.for<readonly [string, object]>([
    ['HEAD_MALFORMED', { objectId: '' }],
    ['HEAD_MALFORMED', { objectId: '../x' }],
    ['HEAD_MALFORMED', { objectId: 'a b' }],
    ['HEAD_MALFORMED', { context: {} }],
    ['HEAD_MALFORMED', { segmentBytes: 63 }],
    ['HEAD_MALFORMED', { segmentBytes: 1e9 }],
    ['HEAD_MALFORMED', { segmentBytes: 64.5 }],
    ['HEAD_MALFORMED', { wrapped: [WRAPPED, WRAPPED, WRAPPED, WRAPPED, WRAPPED] }],
    ['HEAD_MALFORMED', { wrapped: [{ ...WRAPPED, keyId: 'A' }] }],
    ['HEAD_MALFORMED', { wrapped: [{ ...WRAPPED, ciphertext: 'a b' }] }],
    ['HEAD_TOO_LARGE', { wrapped: [LONG, LONG, LONG, LONG] }],
    ['KEY_LENGTH', { dataKey: Buffer.alloc(16) }],
    ['SUITE_UNKNOWN', { suite: 3 }],
  ])('is not made with %s %j', async ([code, changes]) => {
    await expect(sealed(counted(1), changes)).rejects.toThrow(new EnvelopeError(code as 'KEY_LENGTH'));
  });

  test('that is hostile costs nothing: lengths are checked before they are believed', () => {
    const huge = Buffer.from('554e533100017fffffff', 'hex');
    expect(() => headLength(huge)).toThrow(new EnvelopeError('HEAD_TOO_LARGE'));
    expect(() => readHead(Buffer.alloc(HEAD_BYTES_MAX))).toThrow(new EnvelopeError('NOT_AN_ENVELOPE'));
    expect(headLength(huge.subarray(0, 9))).toBeNull();
  });
});

describe('negative controls', () => {
  const suite = suiteOf(1);
  const object = { ...EXPECTED, segmentBytes: SEGMENT, salt: Buffer.alloc(32, 1) };

  test('without the last flag a truncated envelope would pass', () => {
    // The flag is the last byte of nonce and associated data: this build is blind to it.
    const blind = (bytes: Uint8Array): Uint8Array => Buffer.concat([bytes.subarray(0, -1), Buffer.alloc(1)]);
    const flagless: Aead = {
      name: 'AES-256-GCM',
      keyBytes: 32,
      seal: (key, nonce, aad, plaintext) => aes256Gcm.seal(key, blind(nonce), blind(aad), plaintext),
      open: (key, nonce, aad, bytes) => aes256Gcm.open(key, blind(nonce), blind(aad), bytes),
    };
    const passes = [aes256Gcm, flagless].map((aead) => {
      const segments = new Segments({ ...suite, aead }, object, KEY);
      const notLast = Buffer.concat(segments.seal(0, false, counted(SEGMENT)));
      try {
        return segments.open(0, true, notLast).length === SEGMENT;
      } catch {
        return false;
      }
    });
    expect(passes).toEqual([false, true]);
  });

  test('without the commitment two keys would open one envelope, to different contents', async () => {
    const keys = [KEY, Buffer.alloc(32, 9)];
    const { head } = partsOf(await sealed(counted(1)));
    const { digest, object: own } = readHead(head);
    const forged = bothWays(keys.map((key) => derivedKeys(key, own.salt, digest)));
    const contents = keys.map((key) => Buffer.from(new Segments(suite, own, key).open(0, true, forged)));
    expect(contents[0]).toHaveLength(32);
    expect(contents[0]).not.toEqual(contents[1]);
    // The commitment of the head is to the first key, and so the second is refused before anything is opened.
    const envelope = Buffer.concat([head, forged]);
    expect((await opened([envelope])).code).toBeNull();
    expect(await opened([envelope], { key: keys[1]! })).toEqual({
      given: Buffer.alloc(0),
      code: 'KEY_REFUSED',
    });
  });
});

interface SegmentKeys {
  readonly key: Buffer;
  readonly nonce: Buffer;
  readonly aad: Buffer;
}

/** HKDF by HMAC, for segment 0 as the last. */
function derivedKeys(dataKey: Uint8Array, salt: Uint8Array, digest: Uint8Array): SegmentKeys {
  const prk = createHmac('sha256', salt).update(dataKey).digest();
  const derive = (label: string): Buffer =>
    createHmac('sha256', prk)
      .update(`unseen/envelope/1/${label} `)
      .update(digest)
      .update(Uint8Array.of(1))
      .digest();
  const place = Buffer.from([0, 0, 0, 0, 1]);
  const nonce = Buffer.concat([derive('nonce').subarray(0, 7), place]);
  return { key: derive('segments'), nonce, aad: Buffer.concat([digest, place]) };
}

/**
 * Two blocks and a tag that open under both keys (Dodis, Grubbs, Ristenpart and Woodage, CRYPTO 2018): GHASH is
 * linear, so the second block can be solved for. In GCM's field x^128 + x^7 + x^2 + x + 1, first bit highest.
 */
function bothWays(keys: readonly SegmentKeys[]): Buffer {
  const withZero = Buffer.concat([Buffer.alloc(16, 5), Buffer.alloc(16)]);
  const squares = keys.map(({ key }) => {
    const hash = toField(aesBlock(key, Buffer.alloc(16)));
    return times(hash, hash);
  });
  const tags = keys.map((each) => toField(tagOf(each, withZero)));
  const block = times(tags[0]! ^ tags[1]!, inverse(squares[0]! ^ squares[1]!));
  const body = Buffer.concat([
    withZero.subarray(0, 16),
    Buffer.from(block.toString(16).padStart(32, '0'), 'hex'),
  ]);
  return Buffer.concat([body, tagOf(keys[0]!, body)]);
}

/** The tag of a given ciphertext: decrypted without a look at any tag, and sealed again. */
function tagOf({ key, nonce, aad }: SegmentKeys, ciphertext: Buffer): Buffer {
  const plaintext = createDecipheriv('aes-256-gcm', key, nonce).update(ciphertext);
  return Buffer.from(aes256Gcm.seal(key, nonce, aad, plaintext)).subarray(-16);
}

function aesBlock(key: Buffer, block: Buffer): Buffer {
  // One block of counter mode at counter `block` over zeros is the cipher itself.
  return createDecipheriv('aes-256-ctr', key, block).update(Buffer.alloc(16));
}

function toField(bytes: Buffer): bigint {
  return BigInt(`0x${bytes.toString('hex')}`);
}

function times(left: bigint, right: bigint): bigint {
  let product = 0n;
  for (let bit = 127n, factor = right; bit >= 0n; bit -= 1n) {
    if ((left >> bit) & 1n) product ^= factor;
    factor = factor & 1n ? (factor >> 1n) ^ (0xe1n << 120n) : factor >> 1n;
  }
  return product;
}

/** x^(2^128 - 2). */
function inverse(value: bigint): bigint {
  let result = 1n << 127n;
  for (let power = value, bit = 0; bit < 127; bit += 1) {
    power = times(power, power);
    result = times(result, power);
  }
  return result;
}
