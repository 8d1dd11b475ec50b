/**
 * The suites of an envelope: which AEAD and which hash go together, by number.
 *
 * Key derivation is HKDF (RFC 5869) over the suite's hash. A number is never given a second meaning.
 */
import { aes256Gcm, type Aead } from '../aead.ts';
import { sm4Gcm } from '../sm/sm4-gcm.ts';
import { EnvelopeError } from './envelope-error.ts';

export interface Suite {
  readonly number: 1 | 2;
  readonly aead: Aead;
  /** Of HKDF and of the head's digest, as OpenSSL calls it. 32 bytes each. */
  readonly hash: 'sha256' | 'sm3';
}

/** 1: AES-256-GCM with HKDF-SHA256. 2: SM4-GCM (RFC 8998) with HKDF over SM3 (GB/T 32905). */
export type SuiteNumber = Suite['number'];

const SUITES: Readonly<Record<SuiteNumber, Suite>> = {
  1: { number: 1, aead: aes256Gcm, hash: 'sha256' },
  2: { number: 2, aead: sm4Gcm, hash: 'sm3' },
};

/** The suite of a number. EnvelopeError SUITE_UNKNOWN. */
export function suiteOf(number: number): Suite {
  if (number !== 1 && number !== 2) throw new EnvelopeError('SUITE_UNKNOWN');
  return SUITES[number];
}
