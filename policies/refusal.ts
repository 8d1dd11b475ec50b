/**
 * The one way to say no: a closed list of codes, each with a sentence a person can act on.
 *
 * A `Refusal` is a well-formed request that manifest, policy or ledger does not allow; it spends nothing.
 * A `Failure` is a machine, source or input fault. Anything else that is thrown is our bug.
 * INVARIANT: neither ever carries a data value, a count of data, or an engine's message (silence, I5).
 */
import { type Language, type Sentence, render } from './words.ts';

export const REFUSED_CODES = [
  'PARSE',
  'SHAPE',
  'NOT_AGGREGATE',
  'TABLE',
  'COLUMN',
  'FUNCTION',
  'PRIVATE_KEY',
  'PREDICATE',
  'JOIN',
  'TYPE',
  'BOUNDS_MISSING',
  'CELLS',
  'PARAM',
  'BUDGET',
  'QUOTA',
  'PRICE',
  'NO_GRANT',
  'GRANT_EXPIRED',
  'GRANT_REVOKED',
  'PURPOSE_NOT_GRANTED',
  'OUTPUT_KIND',
  'GRADE',
  'MODE',
  'JAIL',
  'KEY_REFUSED',
  'PROGRAM_NOT_ADMITTED',
  'PROGRAM_NOT_APPROVED',
  'DIFFERENCING',
  'RELEASE_WAITING',
  'RELEASE_REJECTED',
] as const;

export const FAILED_CODES = [
  'CONFIG',
  'BAD_LINE',
  'SOURCE_UNREADABLE',
  'SOURCE_CHANGED',
  'KMS_UNAVAILABLE',
  'RUN_LIMIT',
  'PROGRAM_ABORTED',
  'MACHINE_FAULT',
  'KILLED',
  'STATE_BUSY',
  'CUSTODIAN_UNAVAILABLE',
  'CUSTODIAN_REFUSED',
] as const;

export type RefusedCode = (typeof REFUSED_CODES)[number];
export type FailedCode = (typeof FAILED_CODES)[number];

/** A decision against the request, with a code for machines and a sentence for people. */
export class Refusal extends Error {
  readonly code: RefusedCode;
  readonly sentence: Sentence;

  constructor(code: RefusedCode, sentence: Sentence) {
    super(render(sentence, 'en'));
    this.name = 'Refusal';
    this.code = code;
    this.sentence = sentence;
  }

  /** The same refusal in the reader's language. */
  in(language: Language): string {
    return render(this.sentence, language);
  }
}

/** A fault of machine, source or configuration, with a code for machines and a sentence for people. */
export class Failure extends Error {
  readonly code: FailedCode;
  readonly sentence: Sentence;

  constructor(code: FailedCode, sentence: Sentence, options?: ErrorOptions) {
    super(render(sentence, 'en'), options);
    this.name = 'Failure';
    this.code = code;
    this.sentence = sentence;
  }

  in(language: Language): string {
    return render(this.sentence, language);
  }
}
