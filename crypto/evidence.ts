/**
 * Why a piece of evidence does not hold: a closed list of codes, without any words.
 *
 * Evidence comes from outside and may be forged in any part; what is wrong with it is a code that a caller
 * turns into a sentence. No code says anything about data.
 */

export const EVIDENCE_CODES = [
  // A receipt as a signed text.
  'JWS_MALFORMED',
  'HEADER_FORBIDDEN',
  'ALG_FORBIDDEN',
  'TYP_WRONG',
  'KEY_MALFORMED',
  'KEY_UNKNOWN',
  'KID_MISMATCH',
  'SIGNATURE_INVALID',
  // What it says.
  'PAYLOAD_NOT_CANONICAL',
  'PAYLOAD_SCHEMA',
  'BUDGET_ARITHMETIC',
  // The log.
  'PROOF_MALFORMED',
  'NOTE_MALFORMED',
  'NOTE_KEY_MALFORMED',
  'NOTE_NOT_SIGNED',
  'NOTE_SIGNATURE_INVALID',
  'CHECKPOINT_MALFORMED',
  'CHECKPOINT_ORIGIN',
  'NOT_INCLUDED',
  'LOG_FORKED',
  'HISTORY_UNUSABLE',
  // The answer.
  'OUTPUT_ABSENT',
  'OUTPUT_MISMATCH',
] as const;

export type EvidenceCode = (typeof EVIDENCE_CODES)[number];

/** Thrown by whatever reads or checks evidence. `field` names the offending field of a payload, else it is null. */
export class EvidenceError extends Error {
  readonly code: EvidenceCode;
  readonly field: string | null;

  constructor(code: EvidenceCode, field: string | null = null) {
    super(field === null ? code : `${code} ${field}`);
    this.name = 'EvidenceError';
    this.code = code;
    this.field = field;
  }
}
