/**
 * The suites of an envelope: which AEAD and which hash go together, by number.
 *
 * Key derivation is HKDF (RFC 5869) over the suite's hash. A number is never given a second meaning.
 */
import { aes256Gcm, type Aead } from '../aead.ts';
import { EnvelopeError } from './envelope-error.ts';

export interface Suite {
  readonly number: 1 | 2;
  readonly aead: Aead;
  /** Of HKDF and of the head's digest, as OpenSSL calls it. 32 bytes each. */
  readonly hash: 'sha256' | 'sm3';
}

/** 1: AES-256-GCM with HKDF-SHA256. 2: SM4-GCM (RFC 8998) with HKDF over SM3 (GB/T 32905). */
export type SuiteNumber = Suite['number'];

const SUITES: Readonly<Partial<Record<SuiteNumber, Suite>>> = {
  1: { number: 1, aead: aes256Gcm, hash: 'sha256' },
};

/** The suite of a number. EnvelopeError SUITE_UNKNOWN, or SUITE_UNAVAILABLE where this build lacks its AEAD. */
export function suiteOf(number: number): Suite {
  if (number !== 1 && number !== 2) throw new EnvelopeError('SUITE_UNKNOWN');
  const suite = SUITES[number];
  if (suite === undefined) throw new EnvelopeError('SUITE_UNAVAILABLE');
  return suite;
}
