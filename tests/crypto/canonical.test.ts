/** Canonical JSON: the vectors of RFC 8785, and that nothing JSON cannot say passes silently. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { decodeBytes, encodeBytes, fromHex, toHex } from '#crypto/bytes.ts';
import { canonicalBytes, canonicalJson, digestOf, evidenceJson, sha256Hex } from '#crypto/canonical.ts';

import vectors from '../vectors/jcs.json' with { type: 'json' };

function doubleOf(ieee: string): number {
  return Buffer.from(ieee, 'hex').readDoubleBE(0);
}

describe('RFC 8785', () => {
  test.for(vectors.documents)('writes the document $name', ({ input, output, hex }) => {
    const bytes = canonicalBytes(JSON.parse(input));
    expect(toHex(bytes)).toBe(hex ?? Buffer.from(output ?? '').toString('hex'));
  });

  test.for(vectors.numbers)('writes the number $ieee as $text', ({ ieee, text }) => {
    expect(canonicalJson(doubleOf(ieee))).toBe(text);
  });

  test.for(vectors.refusedNumbers)('refuses the number %s', (ieee) => {
    expect(() => canonicalJson([doubleOf(ieee)])).toThrow(RangeError);
  });
});

test('digests are SHA-256 over the canonical UTF-8 bytes', () => {
  expect(digestOf({ b: 1, a: '€' })).toBe(`sha256:${sha256Hex('{"a":"€","b":1}')}`);
  expect(sha256Hex('abc')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
  expect(sha256Hex(new Uint8Array())).toBe(
    'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  );
});

test('the order of names does not matter, and every other change does', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.jsonValue(), (left, right) => {
      const [a, b]: [unknown, unknown] = [
        JSON.parse(JSON.stringify(left)),
        JSON.parse(JSON.stringify(right)),
      ];
      expect(canonicalJson(reversed(a))).toBe(canonicalJson(a));
      expect(JSON.parse(canonicalJson(a))).toEqual(a);
      expect(canonicalJson(a) === canonicalJson(b)).toBe(isEqual(a, b));
    }),
    { numRuns: 500 },
  );
});

const cyclic: Record<string, unknown> = {};
cyclic['self'] = cyclic;

describe('what JSON cannot say is refused, never dropped', () => {
  test.for([
    { name: 'undefined', value: undefined },
    { name: 'an undefined member', value: { a: undefined } },
    { name: 'an undefined element', value: [undefined] },
    // oxlint-disable-next-line no-sparse-arrays -- the hole is the point
    { name: 'a hole', value: [1, , 2] },
    { name: 'a name on an array', value: Object.assign([1], { extra: 2 }) },
    { name: 'a name that fills the hole of an array', value: Object.assign(Array(1), { extra: 2 }) },
    { name: 'a function', value: { a: () => 1 } },
    { name: 'a toJSON', value: { toJSON: () => 1 } },
    { name: 'a symbol', value: Symbol('a') },
    { name: 'a symbol name', value: { [Symbol('a')]: 1 } },
    { name: 'a BigInt', value: { a: 1n } },
    { name: 'NaN', value: [Number.NaN] },
    { name: 'Infinity', value: { a: Number.POSITIVE_INFINITY } },
    { name: 'a date', value: new Date(0) },
    { name: 'a map', value: new Map([['a', 1]]) },
    { name: 'bytes', value: new Uint8Array(2) },
    { name: 'a boxed number', value: new Number(1) },
    {
      name: 'an instance',
      value: new (class Point {
        x = 1;
      })(),
    },
    { name: 'a lone surrogate', value: ['\ud800'] },
    { name: 'a lone surrogate in a name', value: { '\udc00': 1 } },
    { name: 'a cycle', value: cyclic },
  ])('$name', ({ value }) => {
    expect(() => canonicalJson(value)).toThrow(RangeError);
    expect(() => evidenceJson(value)).toThrow(RangeError);
  });
});

test('nesting is bounded, so that no document exhausts the stack of a reader', () => {
  const nested = (depth: number): unknown => Array.from({ length: depth }).reduce((inner) => [inner], 1);
  expect(canonicalJson(nested(1_000))).toHaveLength(2_001);
  expect(() => canonicalJson(nested(1_001))).toThrow(/nested too deeply/);
});

test('evidence holds no number but safe integers, because readers round the others differently', () => {
  expect(evidenceJson({ a: [Number.MAX_SAFE_INTEGER, -1, 0] })).toBe('{"a":[9007199254740991,-1,0]}');
  for (const number of [0.5, 1e21, Number.MAX_SAFE_INTEGER + 1]) {
    expect(() => evidenceJson([number])).toThrow(RangeError);
    // Negative control: canonical JSON alone lets them pass, so the refusal is evidenceJson's own.
    expect(canonicalJson([number])).toBe(`[${JSON.stringify(number)}]`);
  }
});

test('no message of a refusal repeats a name or a value', () => {
  for (const value of [{ secretName: undefined }, ['secretValue\ud800'], { secretName: 1n }]) {
    expect(() => canonicalJson(value)).toThrow(
      expect.not.objectContaining({ message: expect.stringContaining('secret') }),
    );
  }
});

test('bytes have one spelling in each alphabet', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 70 }), (bytes) => {
      expect(fromHex(toHex(bytes))).toEqual(new Uint8Array(bytes));
      for (const alphabet of ['base64', 'base64url'] as const) {
        expect(decodeBytes(encodeBytes(bytes, alphabet), alphabet)).toEqual(new Uint8Array(bytes));
      }
    }),
  );
  // Spare bits, missing or needless padding, the other alphabet, white space: Node decodes all of these.
  for (const text of ['AB==', 'AA', 'AA==\n', '_-==', ' AAA']) {
    expect(Buffer.from(text, 'base64').length).toBeGreaterThan(0);
    expect(decodeBytes(text, 'base64')).toBeNull();
  }
  for (const text of ['AB', 'AA==', '+/A', 'AA A']) expect(decodeBytes(text, 'base64url')).toBeNull();
  for (const text of ['0', 'AA', '0g', '00 ']) expect(fromHex(text)).toBeNull();
});

/** The same value with the names of every object in reverse order. */
function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed);
  if (typeof value !== 'object' || value === null) return value;
  const copy: Record<string, unknown> = Object.create(null) as Record<string, unknown>;
  for (const [name, member] of Object.entries(value).reverse()) copy[name] = reversed(member);
  return copy;
}

function isEqual(left: unknown, right: unknown): boolean {
  try {
    expect(left).toStrictEqual(right);
    return true;
  } catch {
    return false;
  }
}
