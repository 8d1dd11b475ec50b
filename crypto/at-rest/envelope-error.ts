/** Why an envelope cannot be read: a closed list of codes, without any words, and none says anything about data. */

export const ENVELOPE_CODES = [
  // The head.
  'NOT_AN_ENVELOPE',
  'HEAD_MALFORMED',
  'HEAD_TOO_LARGE',
  'SUITE_UNKNOWN',
  // The key.
  'KEY_LENGTH',
  'KEY_REFUSED',
  'CONTEXT_MISMATCH',
  // The segments.
  'SEGMENT_REFUSED',
  'TRUNCATED',
  'TOO_LONG',
] as const;

export type EnvelopeCode = (typeof ENVELOPE_CODES)[number];

/** Thrown by whatever seals, reads or opens an envelope. */
export class EnvelopeError extends Error {
  readonly code: EnvelopeCode;

  constructor(code: EnvelopeCode) {
    super(code);
    this.name = 'EnvelopeError';
    this.code = code;
  }
}
