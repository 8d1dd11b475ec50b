/**
 * Receipts and log of either crypto profile under one verifier, and the confusions between the two.
 *
 * Every forgery is signed correctly by somebody: what is refused is the wrong algorithm for a key, never a typing error.
 */
import { createPrivateKey, generateKeyPairSync, sign } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { canonicalJson } from '#crypto/canonical.ts';
import { toHex } from '#crypto/bytes.ts';
import { exportSigningKey, generateSigningKey } from '#crypto/ed25519-key.ts';
import {
  algorithmOf,
  type EvidenceJwk,
  type EvidenceKey,
  exportEvidenceKey,
  generateEvidenceKey,
  importEvidenceKey,
  kidOf,
  parseEvidenceJwk,
  profileOfKey,
  signBytes,
} from '#crypto/evidence-key.ts';
import { openCheckpoint } from '#crypto/log/checkpoint.ts';
import {
  noteKeyIdOf,
  openNote,
  parseNote,
  parseVerifier,
  renderVerifier,
  signNote,
  verifierOf,
} from '#crypto/log/note.ts';
import { PROFILES, type Profile, profileOf } from '#crypto/profile.ts';
import { CHECK_NAMES, issueReceipt, RECEIPT_TYPE, verifyReceipt } from '#crypto/receipt.ts';
import { exportSm2Key, generateSm2Key, rawSm2KeyOf, type Sm2SigningKey } from '#crypto/sm/sm2.ts';
import { CELLS, logOf, RELEASED, SALT } from './sample-receipt.ts';

const NAMES: readonly Profile[] = ['international', 'sm'];
const OTHER: Readonly<Record<Profile, Profile>> = { international: 'sm', sm: 'international' };
const keys: Readonly<Record<Profile, EvidenceKey>> = {
  international: generateEvidenceKey('international'),
  sm: generateEvidenceKey('sm'),
};
const trusted = NAMES.map((profile) => keys[profile].publicJwk);

/** What became of a receipt: the verdict, or the code of what fails. */
async function outcome(receipt: string, given: readonly EvidenceJwk[] = trusted): Promise<string> {
  const { verdict, failed } = await verifyReceipt({ receipt, keys: given });
  return failed === null ? verdict : `${failed.code} ${failed.args['field'] ?? ''}`.trim();
}

/** A text with any header, over any payload, with whatever makes its signature. */
function forge(header: object, payload: object, signer: (input: Buffer) => Uint8Array): string {
  const input = [header, payload]
    .map((part) => Buffer.from(canonicalJson(part)).toString('base64url'))
    .join('.');
  return `${input}.${Buffer.from(signer(Buffer.from(input))).toString('base64url')}`;
}

const headerOf = (key: EvidenceKey): { alg: string; kid: string; typ: string } => ({
  alg: algorithmOf(key.publicJwk),
  kid: key.kid,
  typ: RECEIPT_TYPE,
});
const by =
  (key: EvidenceKey) =>
  (input: Buffer): Uint8Array =>
    signBytes(input, key);
const said = (profile: Profile): object =>
  profile === 'sm' ? { ...RELEASED, cryptoProfile: 'sm' } : RELEASED;

describe.for(NAMES)('profile %s', (profile) => {
  const key = keys[profile];

  test('a receipt verifies with everything around it, offline', async () => {
    const receipt = await issueReceipt(RELEASED, key, { embedKey: false });
    const signer = { name: 'log.example/unseen', key: generateEvidenceKey(profile) };
    const log = logOf(['a', 'b', receipt, 'c', 'd'], signer);
    const evidence = {
      receipt,
      keys: trusted,
      proof: log.proofOf(2, 4),
      logKey: log.logKey,
      checkpoint: log.noteAt(5),
      consistency: log.consistencyOf(4, 5),
      disclosed: { salt: SALT, cells: CELLS },
    };
    const result = await verifyReceipt(evidence);
    expect(result).toMatchObject({ verdict: 'valid', failed: null });
    expect(result.checks.map(({ name }) => name)).toEqual(CHECK_NAMES);
    expect(result.payload?.cryptoProfile).toBe(profile === 'sm' ? 'sm' : undefined);
    // The checkpoint of another log of the same profile, and of the other profile, is not of this log.
    for (const other of NAMES) {
      const foreign = logOf(['a'], { name: signer.name, key: generateEvidenceKey(other) });
      const wrong = await verifyReceipt({ ...evidence, logKey: foreign.logKey });
      expect(wrong.failed?.code).toBe('NOTE_NOT_SIGNED');
    }
  });

  test('a receipt with its key is self-asserted until the reader gives the key', async () => {
    const own = generateEvidenceKey(profile);
    const receipt = await issueReceipt(RELEASED, own, { embedKey: true });
    expect(await outcome(receipt)).toBe('selfAsserted');
    expect((await verifyReceipt({ receipt, keys: [own.publicJwk] })).checks[3]).toMatchObject({
      state: 'holds',
    });
    expect(await outcome(await issueReceipt(RELEASED, own, { embedKey: false }))).toBe('KEY_UNKNOWN');
  });

  test('the forger of this test is able: what it makes as it should be is accepted', async () => {
    expect(await outcome(forge(headerOf(key), said(profile), by(key)))).toBe('valid');
  });

  test('the name of the other algorithm over a good signature is refused', async () => {
    const alg = algorithmOf(keys[OTHER[profile]].publicJwk);
    expect(await outcome(forge({ ...headerOf(key), alg }, said(profile), by(key)))).toBe('ALG_FORBIDDEN');
  });

  test('under the name of this key, the other algorithm and a signature by a key of it are refused', async () => {
    const attacker = generateEvidenceKey(OTHER[profile]);
    const header = { ...headerOf(key), alg: algorithmOf(attacker.publicJwk) };
    expect(await outcome(forge(header, said(OTHER[profile]), by(attacker)))).toBe('ALG_FORBIDDEN');
    // And with the right name of the algorithm it is no signature.
    expect(await outcome(forge(headerOf(key), said(profile), by(attacker)))).toBe('SIGNATURE_INVALID');
  });

  test('an embedded key cannot borrow the name of a trusted key of the other profile', async () => {
    const trustedOther = keys[OTHER[profile]];
    for (const alg of ['EdDSA', 'SM2SM3']) {
      const header = { alg, jwk: key.publicJwk, kid: trustedOther.kid, typ: RECEIPT_TYPE };
      expect(await outcome(forge(header, said(profile), by(key)))).toBe('KID_MISMATCH');
    }
  });

  test('an embedded key of one type under the algorithm of the other is refused', async () => {
    const own = generateEvidenceKey(profile);
    const alg = algorithmOf(keys[OTHER[profile]].publicJwk);
    const header = { alg, jwk: own.publicJwk, kid: own.kid, typ: RECEIPT_TYPE };
    expect(await outcome(forge(header, said(profile), by(own)))).toBe('ALG_FORBIDDEN');
  });

  test('a receipt that says the other profile than its key is refused', async () => {
    expect(await outcome(forge(headerOf(key), said(OTHER[profile]), by(key)))).toBe(
      'PAYLOAD_SCHEMA cryptoProfile',
    );
  });

  test('keys survive export and import, and belong to their profile', () => {
    const again = importEvidenceKey(JSON.parse(JSON.stringify(exportEvidenceKey(key))));
    expect(again.kid).toBe(key.kid);
    expect(profileOfKey(again.publicJwk)).toBe(profile);
    expect(parseEvidenceJwk({ ...key.publicJwk, kid: 'a', use: 'sig' })).toEqual(key.publicJwk);
    expect(algorithmOf(key.publicJwk)).toBe(PROFILES[profile].receipts.alg);
    expect(algorithmOf(key.publicJwk)).toBe(PROFILES[profile].log.alg);
  });
});

test('a receipt that says sm is not made with a key of Ed25519', async () => {
  const made = issueReceipt({ ...RELEASED, cryptoProfile: 'sm' }, keys.international, { embedKey: false });
  await expect(made).rejects.toThrow('PAYLOAD_SCHEMA cryptoProfile');
});

test('an international receipt has the bytes that it always had', async () => {
  const receipt = await issueReceipt(RELEASED, keys.international, { embedKey: false });
  expect(receipt).toBe(forge(headerOf(keys.international), RELEASED, by(keys.international)));
  expect(Buffer.from(receipt.split('.')[1]!, 'base64url').toString()).not.toContain('cryptoProfile');
});

describe('the same secret in the other kind of key', () => {
  test('a private number of SM2 read as an Ed25519 seed is another key', async () => {
    const { secret } = keys.sm as Sm2SigningKey;
    const pkcs8 = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), secret]);
    const seed = createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' });
    for (const alg of ['EdDSA', 'SM2SM3']) {
      const header = { ...headerOf(keys.sm), alg };
      const forged = forge(header, said('sm'), (input) => sign(null, input, seed));
      expect(await outcome(forged)).toBe(alg === 'EdDSA' ? 'ALG_FORBIDDEN' : 'SIGNATURE_INVALID');
    }
  });

  test('JWKs with the members of both are refused', () => {
    const [ed, sm] = [exportSigningKey(generateSigningKey()), exportSm2Key(generateSm2Key())];
    const { d: _, ...publicEd } = ed;
    const mixed = [
      { ...publicEd, kty: 'EC' },
      { ...publicEd, kty: 'EC', crv: 'SM2' },
      { kty: 'OKP', crv: 'SM2', x: sm.x, y: sm.y },
      { kty: 'EC', crv: 'Ed25519', x: sm.x, y: sm.y },
      { kty: 'EC', crv: 'P-256', x: sm.x, y: sm.y },
    ];
    for (const jwk of mixed) expect(() => parseEvidenceJwk(jwk)).toThrow('KEY_MALFORMED');
    expect(() => importEvidenceKey({ ...sm, kty: 'OKP', crv: 'Ed25519' })).toThrow('KEY_MALFORMED');
    // x alone makes an Ed25519 key, with a name of its own: y is decoration there, and the names differ.
    const half = parseEvidenceJwk({ kty: 'OKP', crv: 'Ed25519', x: sm.x, y: sm.y });
    expect(kidOf(half)).not.toBe(kidOf({ kty: 'EC', crv: 'SM2', x: sm.x, y: sm.y }));
  });
});

test('what Node signs with an SM2 key is ECDSA, and no receipt', async () => {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'SM2' });
  const point = privateKey.export({ format: 'der', type: 'pkcs8' }).subarray(-64);
  const [x, y] = [point.subarray(0, 32), point.subarray(32)].map((part) => part.toString('base64url'));
  const jwk = parseEvidenceJwk({ kty: 'EC', crv: 'SM2', x, y });
  const header = { alg: 'SM2SM3', kid: kidOf(jwk), typ: RECEIPT_TYPE };
  const ecdsa = (input: Buffer): Buffer => sign('sm3', input, { key: privateKey, dsaEncoding: 'ieee-p1363' });
  expect(await outcome(forge(header, said('sm'), ecdsa), [jwk])).toBe('SIGNATURE_INVALID');
});

test('every changed character of an SM2 receipt is noticed', async () => {
  const receipt = await issueReceipt(RELEASED, generateEvidenceKey('sm'), { embedKey: true });
  // Verification takes milliseconds: every 17th character, and all of the signature.
  const places = Array.from(receipt, (_, at) => at).filter((at) => at % 17 === 0 || at > receipt.length - 87);
  for (const at of places) {
    const changed = receipt.slice(0, at) + (receipt[at] === 'A' ? 'B' : 'A') + receipt.slice(at + 1);
    expect((await verifyReceipt({ receipt: changed })).verdict).toBe('invalid');
  }
}, 20_000);

describe('notes signed with SM2', () => {
  const signer = { name: 'log.example/unseen', key: generateSm2Key() };
  const verifier = verifierOf(signer);
  const TYPE = Buffer.from('\u00ffunseen/sm2-sm3/v1', 'latin1');

  test('the verifier key is the type of signature and the point, and its id their hash', () => {
    const text = renderVerifier(verifier);
    const [, name, id, encoded] = /^([^+]+)\+([0-9a-f]{8})\+(.+)$/.exec(text)!;
    expect([name, id]).toEqual([signer.name, noteKeyIdOf(verifier)]);
    const bytes = Buffer.from(encoded!, 'base64');
    expect(bytes.subarray(0, TYPE.length)).toEqual(TYPE);
    expect(toHex(bytes.subarray(TYPE.length))).toBe(toHex(rawSm2KeyOf(signer.key.publicJwk)));
    expect(parseVerifier(text)).toEqual(verifier);
  });

  test('are believed under their key, and every change is noticed', () => {
    const note = signNote('text\n', signer);
    expect(openNote(note, [verifier]).text).toBe('text\n');
    expect(parseNote(note).signatures[0]?.signature.length).toBe(64);
    for (let at = 0; at < note.length; at += 1) {
      const changed = note.slice(0, at) + (note[at] === 'A' ? 'B' : 'A') + note.slice(at + 1);
      expect(() => openNote(changed, [verifier])).toThrow(/^NOTE_/);
    }
  });

  test('may stand beside an Ed25519 signature of the same text; each reader finds its own', () => {
    const other = { name: signer.name, key: generateSigningKey() };
    const [first, second] = [signNote('text\n', signer), signNote('text\n', other)];
    const both = first + second.slice(second.indexOf('—'));
    expect(openNote(both, [verifier]).signedBy).toEqual([verifier]);
    expect(openNote(both, [verifierOf(other)]).signedBy).toEqual([verifierOf(other)]);
    expect(openNote(both, [verifier, verifierOf(other)]).signedBy).toHaveLength(2);
  });

  test('an Ed25519 signature in the name of an SM2 key refuses the note', () => {
    const note = signNote('text\n', { name: signer.name, key: generateSigningKey() });
    const line = Buffer.from(note.slice(note.lastIndexOf(' ') + 1), 'base64');
    Buffer.from(noteKeyIdOf(verifier), 'hex').copy(line);
    const forged = `text\n\n— ${signer.name} ${line.toString('base64')}\n`;
    expect(() => openNote(forged, [verifier])).toThrow('NOTE_SIGNATURE_INVALID');
  });

  const render = (typed: Buffer, id = noteKeyIdOf(verifier)): string =>
    `${signer.name}+${id}+${typed.toString('base64')}`;
  const point = Buffer.from(rawSm2KeyOf(signer.key.publicJwk));
  test.for([
    {
      what: 'another identifier behind 0xff',
      text: render(Buffer.concat([Buffer.from('\u00ffother/sm2-sm3/v1x', 'latin1'), point])),
    },
    { what: 'no identifier', text: render(Buffer.concat([Buffer.of(0xff), point])) },
    { what: 'the type of Ed25519', text: render(Buffer.concat([Buffer.of(1), point])) },
    { what: 'a compressed point', text: render(Buffer.concat([TYPE, Buffer.of(2), point.subarray(1, 33)])) },
    {
      what: 'a point beside the curve',
      text: render(Buffer.concat([TYPE, Buffer.of(4), Buffer.alloc(64, 1)])),
    },
    { what: 'another key id', text: render(Buffer.concat([TYPE, point]), '00000000') },
  ])('a verifier key with $what is refused', ({ text }) => {
    expect(() => parseVerifier(text)).toThrow('NOTE_KEY_MALFORMED');
  });

  test('checkpoints of a log open under its key alone', () => {
    const log = logOf(['a', 'b'], signer);
    expect(openCheckpoint(log.noteAt(2), verifier)).toMatchObject({ origin: signer.name, size: 2n });
    const stranger = { name: signer.name, key: generateSm2Key().publicJwk };
    expect(() => openCheckpoint(log.noteAt(2), stranger)).toThrow('NOTE_NOT_SIGNED');
  });
});

test('a profile is one of two names', () => {
  expect(NAMES.map(profileOf)).toEqual(NAMES);
  for (const name of ['', 'SM', 'toString', 'gm']) expect(profileOf(name)).toBeNull();
});
