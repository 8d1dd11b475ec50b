/**
 * Compact JWS (RFC 7515) over canonical JSON with Ed25519 (RFC 8037) or SM2, in exactly one spelling.
 *
 * Guarantee: `verifyCompact` accepts the one algorithm of the key that signed, one type, four header members (alg,
 * jwk, kid, typ), one base64url spelling, and canonical JSON in header and payload; any changed character makes it
 * throw. `alg` chooses nothing: it must be what the type of the key demands. A key that came with the text is never
 * taken for a trusted one: it is reported as not pinned.
 * Not covered: revocation and expiry of keys; whoever gives the trusted keys decides that.
 *
 * An Ed25519 signature is jose's, the only asynchronous part of this folder; jose knows no SM2.
 */
import { CompactSign, compactVerify } from 'jose';

import { decodeBytes, encodeBytes } from './bytes.ts';
import { canonicalJson, evidenceJson } from './canonical.ts';
import { publicKeyOf } from './ed25519-key.ts';
import {
  EVIDENCE_ALGORITHMS,
  type EvidenceJwk,
  type EvidenceKey,
  algorithmOf,
  isSignedBy,
  kidOf,
  parseEvidenceJwk,
  signBytes,
} from './evidence-key.ts';
import { EvidenceError } from './evidence.ts';

/** Far above any receipt; a longer text is refused before it is read. */
const JWS_CHARACTERS_MAX = 1 << 20;

export interface SignOptions {
  /** The `typ` header: what kind of statement this is. */
  readonly typ: string;
  /** Puts the public key into the header: for throw-away keys that nobody can look up. */
  readonly embedKey?: boolean;
}

export interface Trust {
  readonly typ: string;
  /** The keys whose signature counts. */
  readonly keys: readonly EvidenceJwk[];
  /** Whether a text signed by the key it brings along is read at all; it is never pinned. */
  readonly acceptEmbedded: boolean;
}

export interface VerifiedJws {
  readonly payload: Readonly<Record<string, unknown>>;
  /** Thumbprint of the key that signed. */
  readonly kid: string;
  /** True only when that key is one of the trusted keys. */
  readonly pinned: boolean;
}

/** Who says to have signed. */
export interface Signer {
  readonly key: EvidenceJwk;
  readonly kid: string;
  /** True only when that key is one of the trusted keys. */
  readonly pinned: boolean;
}

interface Header {
  readonly alg: string;
  readonly typ: string;
  readonly kid: string;
  readonly jwk: unknown;
}

/** Signs an object. RangeError when it holds a number that is not a safe integer, or anything JSON lacks. */
export async function signCompact(payload: object, key: EvidenceKey, options: SignOptions): Promise<string> {
  const bytes = new TextEncoder().encode(evidenceJson(payload));
  // In canonical order, because the header is signed as it is spelled.
  const header = {
    alg: algorithmOf(key.publicJwk),
    ...(options.embedKey === true && { jwk: orderedJwk(key.publicJwk) }),
    kid: key.kid,
    typ: options.typ,
  };
  if ('privateKey' in key) return new CompactSign(bytes).setProtectedHeader(header).sign(key.privateKey);
  const input = [new TextEncoder().encode(JSON.stringify(header)), bytes]
    .map((part) => encodeBytes(part, 'base64url'))
    .join('.');
  return `${input}.${encodeBytes(signBytes(Buffer.from(input), key), 'base64url')}`;
}

/** The payload, once everything about the text holds; an EvidenceError with the first thing that does not. */
export async function verifyCompact(jws: string, trust: Trust): Promise<VerifiedJws> {
  const { key, kid, pinned } = identifySigner(jws, trust);
  if (!(await hasSignature(jws, key))) throw new EvidenceError('SIGNATURE_INVALID');
  return { payload: readObject(readCompact(jws).payload, 'PAYLOAD_NOT_CANONICAL'), kid, pinned };
}

/** The key that the text names, if form, algorithm, type and key are acceptable. The signature is not checked. */
export function identifySigner(jws: string, trust: Trust): Signer {
  const { header } = readCompact(jws);
  if (!EVIDENCE_ALGORITHMS.some((alg) => alg === header.alg)) throw new EvidenceError('ALG_FORBIDDEN');
  if (header.typ !== trust.typ) throw new EvidenceError('TYP_WRONG');
  const { kid } = header;
  // A trusted key by name comes before any key that the text brings along.
  const embedded = header.jwk === undefined ? undefined : parseEvidenceJwk(header.jwk);
  if (embedded !== undefined && kidOf(embedded) !== kid) throw new EvidenceError('KID_MISMATCH');
  const pinned = trust.keys.find((trusted) => kidOf(trusted) === kid);
  const key = pinned ?? (trust.acceptEmbedded ? embedded : undefined);
  if (key === undefined) throw new EvidenceError('KEY_UNKNOWN');
  if (header.alg !== algorithmOf(key)) throw new EvidenceError('ALG_FORBIDDEN');
  return { key, kid, pinned: pinned !== undefined };
}

async function hasSignature(jws: string, key: EvidenceJwk): Promise<boolean> {
  if (key.kty === 'EC') {
    const end = jws.lastIndexOf('.');
    const signature = decodeBytes(jws.slice(end + 1), 'base64url') as Uint8Array;
    return isSignedBy(Buffer.from(jws.slice(0, end)), signature, key);
  }
  try {
    await compactVerify(jws, publicKeyOf(key), { algorithms: [algorithmOf(key)] });
    return true;
  } catch {
    // Whatever the reason, there is no valid signature.
    return false;
  }
}

/** The members of a key in canonical order. */
function orderedJwk(key: EvidenceJwk): object {
  const { crv, kty, x } = key;
  return key.kty === 'EC' ? { crv, kty, x, y: key.y } : { crv, kty, x };
}

function readCompact(jws: string): { header: Header; payload: Uint8Array } {
  const parts = jws.length <= JWS_CHARACTERS_MAX ? jws.split('.') : [];
  // All three are decoded here, so that no other spelling of the signature passes either.
  const [header, payload, signature] = parts.map((part) => decodeBytes(part, 'base64url'));
  if (parts.length !== 3 || !header || !payload || !signature) throw new EvidenceError('JWS_MALFORMED');
  return { header: readHeader(header), payload };
}

function readHeader(bytes: Uint8Array): Header {
  const { alg, jwk, kid, typ, ...others } = readObject(bytes, 'JWS_MALFORMED');
  // Others would be `crit`, `b64`, or a place to fetch a key from.
  if (Object.keys(others).length > 0) throw new EvidenceError('HEADER_FORBIDDEN');
  if (typeof alg !== 'string' || typeof kid !== 'string' || typeof typ !== 'string') {
    throw new EvidenceError('HEADER_FORBIDDEN');
  }
  return { alg, jwk, kid, typ };
}

/** An object from its canonical bytes. A second spelling of the same object, such as a doubled name, is refused. */
function readObject(
  bytes: Uint8Array,
  code: 'JWS_MALFORMED' | 'PAYLOAD_NOT_CANONICAL',
): Record<string, unknown> {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    const value: unknown = JSON.parse(text);
    if (
      typeof value === 'object' &&
      value !== null &&
      !Array.isArray(value) &&
      canonicalJson(value) === text
    ) {
      return value as Record<string, unknown>;
    }
  } catch {
    // Not UTF-8, not JSON, or a value that canonical JSON refuses: all the same to the reader.
  }
  throw new EvidenceError(code);
}
