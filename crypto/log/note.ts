/**
 * Signed notes (C2SP signed-note 1.0): a text with signature lines that a person can read and a key can check.
 *
 * Guarantee: `openNote` gives the text only if a trusted key signed exactly these bytes; a wrong signature under a
 * trusted key refuses the whole note, and signatures of unknown keys are ignored, as the specification demands.
 * Types of signature: Ed25519 (0x01), and one of our own for SM2 with SM3: 0xff ‖ `unseen/sm2-sm3/v1`, as the
 * specification wants it for types that it has not assigned.
 * Not covered: other types; such lines are read as signatures of unknown keys.
 */
import { createHash } from 'node:crypto';

import { decodeBytes, encodeBytes, fromHex, toHex } from '../bytes.ts';
import { publicJwkOf } from '../ed25519-key.ts';
import { type EvidenceJwk, type EvidenceKey, isSignedBy, rawKeyOf, signBytes } from '../evidence-key.ts';
import { EvidenceError } from '../evidence.ts';
import { SM2_POINT_BYTES, sm2JwkOf } from '../sm/sm2.ts';

const KEY_ID_BYTES = 4;

/** The bytes of a signature type, and the key behind them. */
interface NoteType {
  readonly prefix: Buffer;
  readonly keyBytes: number;
  readonly jwkOf: (raw: Uint8Array) => EvidenceJwk;
}

/** By the kind of key. */
const TYPES: Readonly<Record<EvidenceJwk['kty'], NoteType>> = {
  OKP: { prefix: Buffer.of(0x01), keyBytes: 32, jwkOf: publicJwkOf },
  EC: {
    prefix: Buffer.from('\u00ffunseen/sm2-sm3/v1', 'latin1'),
    keyBytes: SM2_POINT_BYTES,
    jwkOf: sm2JwkOf,
  },
};

/** The specification asks for at least 16 signatures to be read; more than these are an attack on the reader. */
const SIGNATURES_MAX = 64;
const NOTE_CHARACTERS_MAX = 1 << 20;

/** A key that may sign notes, as a reader knows it. */
export interface NoteVerifier {
  readonly name: string;
  readonly key: EvidenceJwk;
}

export interface NoteSigner {
  readonly name: string;
  readonly key: EvidenceKey;
}

export interface NoteSignature {
  readonly name: string;
  /** Four bytes in hex. */
  readonly keyId: string;
  readonly signature: Uint8Array;
}

/** A note that has been read but not believed. */
export interface Note {
  /** Ends in a newline. */
  readonly text: string;
  readonly signatures: readonly NoteSignature[];
}

/** SHA-256(name ‖ 0x0A ‖ type ‖ public key), its first four bytes in hex. */
export function noteKeyIdOf({ name, key }: NoteVerifier): string {
  const hash = createHash('sha256').update(`${name}\n`).update(typedKeyOf(key)).digest();
  return toHex(hash.subarray(0, KEY_ID_BYTES));
}

/** The verifier key as text: `name+keyid+base64(type ‖ public key)`. */
export function renderVerifier(verifier: NoteVerifier): string {
  checkName(verifier.name);
  return [verifier.name, noteKeyIdOf(verifier), encodeBytes(typedKeyOf(verifier.key), 'base64')].join('+');
}

/** Reads a verifier key. EvidenceError NOTE_KEY_MALFORMED, also when the key id is not that of name and key. */
export function parseVerifier(text: string): NoteVerifier {
  const [, name, keyId, encoded] = /^([^+]+)\+([0-9a-f]{8})\+(.+)$/s.exec(text) ?? [];
  const typed = decodeBytes(encoded ?? '', 'base64');
  const key = typed === null ? null : keyOf(typed);
  if (name === undefined || !isName(name) || key === null || noteKeyIdOf({ name, key }) !== keyId) {
    throw new EvidenceError('NOTE_KEY_MALFORMED');
  }
  return { name, key };
}

/** The verifier of a signer, to be published. */
export function verifierOf(signer: NoteSigner): NoteVerifier {
  return { name: signer.name, key: signer.key.publicJwk };
}

/** Signs a text that ends in a newline. RangeError when it cannot stand in a note. */
export function signNote(text: string, signer: NoteSigner): string {
  if (!isText(text))
    throw new RangeError('a note is well-formed text without control characters, ending in a newline');
  checkName(signer.name);
  const keyId = fromHex(noteKeyIdOf(verifierOf(signer))) as Uint8Array;
  const signature = signBytes(Buffer.from(text), signer.key);
  return `${text}\n— ${signer.name} ${encodeBytes(Buffer.concat([keyId, signature]), 'base64')}\n`;
}

/** Reads a note without believing it. EvidenceError NOTE_MALFORMED. */
export function parseNote(note: string): Note {
  const split = note.length <= NOTE_CHARACTERS_MAX ? note.lastIndexOf('\n\n') : -1;
  const text = note.slice(0, split + 1);
  const lines = note.slice(split + 2).split('\n');
  if (
    split < 0 ||
    !isText(text) ||
    lines.pop() !== '' ||
    lines.length === 0 ||
    lines.length > SIGNATURES_MAX
  ) {
    throw new EvidenceError('NOTE_MALFORMED');
  }
  return { text, signatures: lines.map(parseSignature) };
}

/**
 * The text of a note that at least one of the verifiers signed, and which of them did. EvidenceError
 * NOTE_MALFORMED, NOTE_NOT_SIGNED (by none of them), NOTE_SIGNATURE_INVALID (in the name of one, but wrong).
 */
export function openNote(
  note: string,
  verifiers: readonly NoteVerifier[],
): { readonly text: string; readonly signedBy: readonly NoteVerifier[] } {
  const { text, signatures } = parseNote(note);
  const signedBy = new Set<NoteVerifier>();
  for (const { name, keyId, signature } of signatures) {
    const known = verifiers.find((verifier) => verifier.name === name && noteKeyIdOf(verifier) === keyId);
    if (known === undefined) continue;
    if (!isSignedBy(Buffer.from(text), signature, known.key)) {
      throw new EvidenceError('NOTE_SIGNATURE_INVALID');
    }
    signedBy.add(known);
  }
  if (signedBy.size === 0) throw new EvidenceError('NOTE_NOT_SIGNED');
  return { text, signedBy: [...signedBy] };
}

function parseSignature(line: string): NoteSignature {
  const [, name, encoded] = /^— ([^ ]+) ([^ ]+)$/.exec(line) ?? [];
  const bytes = decodeBytes(encoded ?? '', 'base64');
  if (name === undefined || !isName(name) || bytes === null || bytes.length <= KEY_ID_BYTES) {
    throw new EvidenceError('NOTE_MALFORMED');
  }
  const keyId = toHex(bytes.subarray(0, KEY_ID_BYTES));
  return { name, keyId, signature: bytes.subarray(KEY_ID_BYTES) };
}

function typedKeyOf(key: EvidenceJwk): Uint8Array {
  return Buffer.concat([TYPES[key.kty].prefix, rawKeyOf(key)]);
}

/** The key of a type and its raw bytes, or null. */
function keyOf(typed: Uint8Array): EvidenceJwk | null {
  const bytes = Buffer.from(typed);
  const type = Object.values(TYPES).find(
    ({ prefix, keyBytes }) =>
      bytes.length === prefix.length + keyBytes && bytes.subarray(0, prefix.length).equals(prefix),
  );
  try {
    return type === undefined ? null : type.jwkOf(bytes.subarray(type.prefix.length));
  } catch (error) {
    // The bytes are no point of the curve.
    if (error instanceof EvidenceError) return null;
    throw error;
  }
}

function checkName(name: string): void {
  if (!isName(name)) throw new RangeError('a note key name is not empty and has neither spaces nor +');
}

function isName(name: string): boolean {
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  return name.isWellFormed() && /^[^\s\p{White_Space}+\u0000-\u001f]+$/u.test(name);
}

function isText(text: string): boolean {
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  return text.isWellFormed() && text.endsWith('\n') && !/[\u0000-\u0009\u000b-\u001f]/.test(text);
}
