/**
 * Why encrypted computing did not go on: a closed list of codes, without any words.
 *
 * Guarantee: no code, and nothing else in the error, says anything about a plaintext, a key, or what the library
 * said; a caller turns the code into a sentence.
 */

export const HE_CODES = [
  // The library itself.
  'NODE_VERSION',
  'LIBRARY_CHANGED',
  'LIBRARY_UNUSABLE',
  // An instance: closed; had its share of exceptions, open another; broken, end the process.
  'CLOSED',
  'SPENT',
  'TRAPPED',
  // What was given to it.
  'PROFILE_UNKNOWN',
  'LENGTH',
  'HEADER',
  'REFUSED',
  'TRANSPARENT',
  'FOREIGN_HANDLE',
  'LEVEL',
  'NOISE',
  'VALUE_COUNT',
  'VALUE_RANGE',
  'WEIGHT_RANGE',
  'EMPTY',
  // An encrypted dataset.
  'MANIFEST_SCHEMA',
  'MANIFEST_INCONSISTENT',
  'DIGEST',
  'FILE_LENGTH',
  'FILE_ABSENT',
  'ROW_SHAPE',
  'ROW_RANGE',
  'ROWS_TOO_MANY',
  'GROUP_REPEATED',
  'JOURNAL_UNUSABLE',
  'JOURNAL_FOREIGN',
  'ALREADY_ENCRYPTED',
] as const;

export type HeCode = (typeof HE_CODES)[number];

/** Thrown by everything in this folder. `field` names the offending field of a manifest or column, else it is null. */
export class HeError extends Error {
  readonly code: HeCode;
  readonly field: string | null;

  constructor(code: HeCode, field: string | null = null) {
    super(field === null ? code : `${code} ${field}`);
    this.name = 'HeError';
    this.code = code;
    this.field = field;
  }
}
