/** Signed notes and checkpoints: the published examples, and a signer that never signs two histories. */
import { describe, expect, test } from 'vitest';

import { toHex } from '#crypto/bytes.ts';
import { type SigningKey, generateSigningKey, importSigningKey, publicJwkOf } from '#crypto/ed25519-key.ts';
import { EvidenceError } from '#crypto/evidence.ts';
import {
  type Checkpoint,
  openCheckpoint,
  parseCheckpoint,
  renderCheckpoint,
  signNextCheckpoint,
} from '#crypto/log/checkpoint.ts';
import { emptyRoot, rootOf } from '#crypto/log/merkle.ts';
import {
  noteKeyIdOf,
  openNote,
  parseNote,
  parseVerifier,
  renderVerifier,
  signNote,
  verifierOf,
} from '#crypto/log/note.ts';

import vectors from '../vectors/signed-note.json' with { type: 'json' };
import { referenceConsistency, referenceLeaves } from './merkle-reference.ts';

function codeOf(call: () => unknown): string {
  try {
    call();
    return 'accepted';
  } catch (error) {
    if (error instanceof EvidenceError) return error.code;
    throw error;
  }
}

const [example] = vectors.notes as [(typeof vectors.notes)[0]];
const exampleKey = parseVerifier(example.verifiers[0] as string);

/** A signing key from a published seed. */
function keyOf(seed: Buffer, x: string): SigningKey {
  return importSigningKey({ kty: 'OKP', crv: 'Ed25519', d: seed.toString('base64url'), x });
}

describe('published notes', () => {
  test.for(vectors.notes)('$name', ({ note, text, verifiers }) => {
    const keys = verifiers.map(parseVerifier);
    expect(openNote(note, keys)).toEqual({ text, signedBy: keys });
    expect(keys.map(renderVerifier)).toEqual(verifiers);
    expect(keys.map(noteKeyIdOf)).toEqual(verifiers.map((verifier) => verifier.split('+')[1]));
  });

  test('the same text under the same key gives the published signature', () => {
    const { name, seed, note } = vectors.signing;
    const { text, note: want, verifiers } = vectors.notes[note] as (typeof vectors.notes)[0];
    const key = keyOf(Buffer.from(seed, 'base64').subarray(1), parseVerifier(verifiers[0] as string).key.x);
    expect(signNote(text, { name, key })).toBe(want);
  });

  test('the published checkpoint', () => {
    const { note, origin, size, root } = vectors.checkpoint;
    const { text, signatures } = parseNote(note);
    const checkpoint = parseCheckpoint(text);
    expect(checkpoint).toMatchObject({ origin, size: BigInt(size) });
    expect(Buffer.from(checkpoint.root).toString('base64')).toBe(root);
    expect(renderCheckpoint(checkpoint)).toBe(text);
    expect(signatures.map(({ name }) => name)).toEqual([origin]);
  });
});

describe('a note is believed only as it was signed', () => {
  test('every changed or dropped character is noticed', () => {
    const { note, text } = example;
    for (let at = 0; at < note.length; at += 1) {
      const changed = note.slice(0, at) + (note[at] === 'A' ? 'B' : 'A') + note.slice(at + 1);
      expect(codeOf(() => openNote(changed, [exampleKey]))).not.toBe('accepted');
      expect(codeOf(() => openNote(note.slice(0, at) + note.slice(at + 1), [exampleKey]))).not.toBe(
        'accepted',
      );
    }
    // Negative control: a reader that believes what it parsed is taken in.
    expect(parseNote(note.replace('example message', 'forged message')).text).not.toBe(text);
  });

  test('an unknown key is ignored, a wrong signature of a known key is not', () => {
    const stranger = { name: 'stranger', key: generateSigningKey() };
    const impostor = { name: exampleKey.name, key: generateSigningKey() };
    const both = example.note + signatureLineOf(signNote(example.text, stranger));
    expect(openNote(both, [exampleKey]).signedBy).toEqual([exampleKey]);
    expect(codeOf(() => openNote(example.note, [verifierOf(stranger)]))).toBe('NOTE_NOT_SIGNED');
    expect(codeOf(() => openNote(signNote(example.text, impostor), [exampleKey]))).toBe('NOTE_NOT_SIGNED');
    expect(codeOf(() => openNote(example.note, []))).toBe('NOTE_NOT_SIGNED');
    const wrong = both.replace(example.text, 'Another text.\n');
    expect(codeOf(() => openNote(wrong, [verifierOf(stranger)]))).toBe('NOTE_SIGNATURE_INVALID');
    expect(codeOf(() => openNote(wrong, [exampleKey, verifierOf(stranger)]))).toBe('NOTE_SIGNATURE_INVALID');
  });

  const line = signatureLineOf(example.note);
  test.for([
    { name: 'no signature', note: example.text },
    { name: 'no empty line', note: example.text + line },
    { name: 'no newline at the end', note: `${example.text}\n${line.slice(0, -1)}` },
    { name: 'a line that is no signature', note: `${example.note}rest\n` },
    { name: 'a hyphen for the dash', note: `${example.text}\n${line.replace('—', '-')}` },
    { name: 'two spaces', note: `${example.text}\n${line.replace('— ', '—  ')}` },
    { name: 'a carriage return', note: example.note.replaceAll('\n', '\r\n') },
    { name: 'a tab', note: `a\tb\n\n${line}` },
    { name: 'a lone surrogate', note: `\ud800\n\n${line}` },
    { name: 'a name with a plus', note: `${example.text}\n${line.replace('/foo', '+foo')}` },
    { name: 'a name with a no-break space', note: `${example.text}\n${line.replace('/foo', '\u00a0foo')}` },
    { name: 'a signature of four bytes', note: `${example.text}\n— a AAAAAA==\n` },
    { name: 'more signatures than anyone needs', note: `${example.text}\n${line.repeat(65)}` },
    { name: 'nothing', note: '' },
  ])('refuses $name', ({ note }) => {
    expect(codeOf(() => parseNote(note))).toBe('NOTE_MALFORMED');
  });

  test('a text may hold empty lines, and sixteen signatures are read', () => {
    const signers = Array.from({ length: 16 }, (_, at) => ({ name: `s${at}`, key: generateSigningKey() }));
    const text = 'Ognuno sta solo\n\ned è subito sera.\n\n';
    const note = `${text}\n${signers.map((signer) => signatureLineOf(signNote(text, signer))).join('')}`;
    expect(openNote(note, signers.map(verifierOf)).signedBy).toHaveLength(16);
    expect(openNote(note, signers.map(verifierOf)).text).toBe(text);
  });

  test('what cannot stand in a note is not signed', () => {
    const signer = { name: 'a', key: generateSigningKey() };
    for (const text of ['no newline', 'tab\t\n', '\ud800\n', ''])
      expect(() => signNote(text, signer)).toThrow(RangeError);
    for (const name of ['', 'a b', 'a+b', 'a\u2003b', 'a\u0085b', 'a\u0000b', '\udc00']) {
      expect(() => signNote('text\n', { ...signer, name })).toThrow(RangeError);
    }
  });
});

describe('verifier keys', () => {
  const [name, id, encoded] = (example.verifiers[0] as string).split('+') as [string, string, string];
  test.for([
    { what: 'another key id', text: `${name}+530d903b+${encoded}` },
    { what: 'another name', text: `${name}x+${id}+${encoded}` },
    { what: 'a key id in capitals', text: `${name}+530D903A+${encoded}` },
    { what: 'no name', text: `+${id}+${encoded}` },
    {
      what: 'another signature type',
      text: `${name}+${id}+${Buffer.concat([Buffer.of(4), Buffer.alloc(32)]).toString('base64')}`,
    },
    {
      what: 'a short key',
      text: `${name}+${id}+${Buffer.concat([Buffer.of(1), Buffer.alloc(31)]).toString('base64')}`,
    },
    { what: 'a second line', text: `${name}+${id}+${encoded}\n` },
    { what: 'nothing', text: '' },
  ])('refuses $what', ({ text }) => {
    expect(codeOf(() => parseVerifier(text))).toBe('NOTE_KEY_MALFORMED');
  });
});

describe('checkpoints', () => {
  const leaves = referenceLeaves(12);
  const signer = { name: 'log.example/unseen', key: generateSigningKey() };
  const at = (size: number, tree = leaves): Checkpoint => ({
    origin: signer.name,
    size: BigInt(size),
    root: rootOf(tree.slice(0, size)),
  });
  const pathOf = (first: number, second: number): Uint8Array[] =>
    referenceConsistency(first, leaves.slice(0, second));

  test('a log signs its growth step by step, and readers get what was signed', () => {
    let previous: Checkpoint | null = null;
    for (const size of [0, 1, 1, 5, 8, 12]) {
      const path: Uint8Array[] =
        previous === null || previous.size === 0n ? [] : pathOf(Number(previous.size), size);
      const note = signNextCheckpoint({ previous, next: at(size), path }, signer);
      expect(openCheckpoint(note, verifierOf(signer))).toEqual(at(size));
      previous = at(size);
    }
  });

  test.for([
    { name: 'a smaller tree', previous: at(8), next: at(5), path: pathOf(5, 8) },
    {
      name: 'another tree of the same size',
      previous: at(8),
      next: at(8, referenceLeaves(9).slice(1)),
      path: [],
    },
    {
      name: 'a larger tree with another past',
      previous: at(5),
      next: at(8, [...leaves].reverse()),
      path: pathOf(5, 8),
    },
    { name: 'a proof of other sizes', previous: at(5), next: at(8), path: pathOf(4, 8) },
    { name: 'no proof', previous: at(5), next: at(8), path: [] },
    { name: 'a proof where none is due', previous: at(0), next: at(8), path: pathOf(5, 8) },
    { name: 'another log', previous: { ...at(5), origin: 'other' }, next: at(8), path: pathOf(5, 8) },
    { name: 'an empty tree with a root', previous: null, next: { ...at(0), root: rootOf(leaves) }, path: [] },
    {
      name: 'an empty past with a root',
      previous: { ...at(0), root: rootOf(leaves) },
      next: at(8),
      path: [],
    },
  ])('refuses to sign $name', ({ previous, next, path }) => {
    expect(codeOf(() => signNextCheckpoint({ previous, next, path }, signer))).toBe('LOG_FORKED');
    // Negative control: a signer without memory signs the same checkpoint.
    const careless = signNote(renderCheckpoint(next), signer);
    expect(openCheckpoint(careless, verifierOf(signer))).toEqual(next);
  });

  test('a checkpoint counts only under the key that is named like its origin', () => {
    const other = { ...at(5), origin: 'other.example' };
    expect(() => signNextCheckpoint({ previous: null, next: other, path: [] }, signer)).toThrow(RangeError);
    const note = signNote(renderCheckpoint(other), signer);
    expect(codeOf(() => openCheckpoint(note, verifierOf(signer)))).toBe('CHECKPOINT_ORIGIN');
  });

  const good = renderCheckpoint(at(5));
  const root = good.split('\n')[2] as string;
  test.for([
    { name: 'two lines', text: 'Log\n5\n' },
    { name: 'no origin', text: `\n5\n${root}\n` },
    { name: 'no newline', text: good.slice(0, -1) },
    { name: 'a size in words', text: `Log\nfive\n${root}\n` },
    { name: 'a negative size', text: `Log\n-5\n${root}\n` },
    { name: 'a size with a leading zero', text: `Log\n05\n${root}\n` },
    { name: 'a size above 64 bits', text: `Log\n18446744073709551616\n${root}\n` },
    { name: 'a size of 28 digits', text: `Log\n3438945738945739845734895735\n${root}\n` },
    { name: 'a root of seven bytes', text: 'Log\n123\nYmFuYW5hcw==\n' },
    { name: 'a root that is not base64', text: "Log\n123\nThisIsn'tBase64\n" },
    { name: 'an empty extension line', text: `Log\n5\n${root}\n\nrest\n` },
    { name: 'an extension without newline', text: `Log\n5\n${root}\nrest` },
    { name: 'nothing', text: '' },
  ])('refuses to read $name', ({ text }) => {
    expect(codeOf(() => parseCheckpoint(text))).toBe('CHECKPOINT_MALFORMED');
  });

  test('extension lines and the largest size are read', () => {
    const text = `Log\n18446744073709551615\n${root}\nextension\n`;
    expect(parseCheckpoint(text)).toEqual({ origin: 'Log', size: 2n ** 64n - 1n, root: at(5).root });
  });

  test.for([
    { name: 'no origin', checkpoint: { ...at(5), origin: '' } },
    { name: 'an origin of two lines', checkpoint: { ...at(5), origin: 'a\nb' } },
    { name: 'a negative size', checkpoint: { ...at(5), size: -1n } },
    { name: 'a size above 64 bits', checkpoint: { ...at(5), size: 1n << 64n } },
    { name: 'a short root', checkpoint: { ...at(5), root: new Uint8Array(31) } },
  ])('does not write $name', ({ checkpoint }) => {
    expect(() => renderCheckpoint(checkpoint)).toThrow(RangeError);
  });

  test('the root of the empty tree is the published one', () => {
    expect(renderCheckpoint(at(0))).toContain('\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n');
    expect(toHex(at(0).root)).toBe(toHex(emptyRoot()));
  });
});

test('a public key survives as raw bytes', () => {
  const { publicJwk } = generateSigningKey();
  expect(publicJwkOf(Buffer.from(publicJwk.x, 'base64url'))).toEqual(publicJwk);
});

function signatureLineOf(note: string): string {
  return note.slice(note.lastIndexOf('\n\n') + 2);
}
