/**
 * Problem details (RFC 9457): the only place where a refusal, a failure or a fault becomes HTTP.
 *
 * Guarantee: every code has one status and one title in both languages, and a page in docs/problems/. What is thrown
 * and is none of ours is a bug: the caller learns that there was one and the id to ask about, and nothing else.
 */
import { type FailedCode, Failure, Refusal, type RefusedCode } from '#policies/refusal.ts';
import { type Language, render, type Sentence, say } from '#policies/words.ts';
import type { Finding } from '#sandbox/program/admission/finding.ts';

type Code = RefusedCode | FailedCode;

/** The status of every code. A refusal is a well-formed request that is not allowed: 403 by right, 422 by form, 429 by amount. */
const STATUS = {
  PARSE: 422,
  SHAPE: 422,
  NOT_AGGREGATE: 422,
  TABLE: 422,
  COLUMN: 422,
  FUNCTION: 422,
  PRIVATE_KEY: 422,
  PREDICATE: 422,
  JOIN: 422,
  TYPE: 422,
  BOUNDS_MISSING: 422,
  CELLS: 422,
  PARAM: 422,
  BUDGET: 429,
  QUOTA: 429,
  NO_GRANT: 403,
  GRANT_EXPIRED: 403,
  GRANT_REVOKED: 403,
  PURPOSE_NOT_GRANTED: 403,
  OUTPUT_KIND: 403,
  GRADE: 403,
  MODE: 403,
  JAIL: 503,
  KEY_REFUSED: 403,
  PROGRAM_NOT_ADMITTED: 422,
  PROGRAM_NOT_APPROVED: 403,
  PRICE: 409,
  DIFFERENCING: 403,
  RELEASE_WAITING: 409,
  RELEASE_REJECTED: 403,
  CONFIG: 422,
  BAD_LINE: 400,
  SOURCE_UNREADABLE: 502,
  SOURCE_CHANGED: 409,
  KMS_UNAVAILABLE: 503,
  RUN_LIMIT: 504,
  PROGRAM_ABORTED: 422,
  MACHINE_FAULT: 500,
  KILLED: 409,
  STATE_BUSY: 503,
  CUSTODIAN_UNAVAILABLE: 503,
  CUSTODIAN_REFUSED: 502,
} as const satisfies Record<Code, number>;

/** Faults of HTTP itself, which no refusal names; `about:blank` with a code of their own (RFC 9457 §4.2.1). */
const HTTP_STATUS = {
  BAD_REQUEST: 400,
  UNAUTHENTICATED: 401,
  NOT_FOUND: 404,
  METHOD: 405,
  IN_FLIGHT: 409,
  CONFLICT: 409,
  TOO_LARGE: 413,
  MEDIA_TYPE: 415,
  RATE: 429,
  INTERNAL: 500,
} as const;

export type HttpCode = keyof typeof HTTP_STATUS;

/** Every code that a problem may carry with a page of its own. */
export const PROBLEM_CODES = Object.keys(STATUS) as readonly Code[];
export const HTTP_CODES = Object.keys(HTTP_STATUS) as readonly HttpCode[];

/** A field of the request, and the rule that it breaks. */
export interface FieldFault {
  readonly field: string;
  readonly rule: Sentence;
}

/** A fault of HTTP: thrown by whatever reads a request. */
export class HttpFault extends Error {
  readonly code: HttpCode;
  readonly sentence: Sentence;
  readonly headers: Readonly<Record<string, string>>;

  constructor(code: HttpCode, sentence: Sentence, headers: Readonly<Record<string, string>> = {}) {
    super(render(sentence, 'en'));
    this.name = 'HttpFault';
    this.code = code;
    this.sentence = sentence;
    this.headers = headers;
  }
}

/** A request whose fields are not those of its schema. */
export class FieldFaults extends Refusal {
  readonly faults: readonly FieldFault[];

  constructor(faults: readonly FieldFault[]) {
    super('PARAM', say('api.fields', { count: faults.length }));
    this.faults = faults;
  }
}

/** A job that was refused at submission: recorded, with a usage record and evidence under its id. */
export class JobRefused extends Refusal {
  readonly jobId: string;
  readonly decisionId: string | null;

  constructor(
    code: RefusedCode,
    sentence: Sentence,
    job: { readonly id: string; readonly decisionId: string | null },
  ) {
    super(code, sentence);
    this.jobId = job.id;
    this.decisionId = job.decisionId;
  }
}

/** A program that admission refused, with what it found. */
export class ProgramRefused extends Refusal {
  readonly findings: readonly Finding[];

  constructor(findings: readonly Finding[]) {
    const count = findings.filter(({ severity }) => severity === 'error').length;
    super('PROGRAM_NOT_ADMITTED', say('programs.notAdmitted', { count }));
    this.findings = findings;
  }
}

/** A finding in a reader's language. */
export function findingText(
  { rule, line, column, severity, sentence }: Finding,
  language: Language,
): FindingText {
  return { rule, line, column, severity, message: render(sentence, language) };
}

export interface FindingText extends Omit<Finding, 'sentence'> {
  readonly message: string;
}

/** Who reads the problem, and of which request. */
export interface ProblemReader {
  readonly language: Language;
  readonly requestId: string;
}

/** Renders whatever was thrown. */
export function problemResponse(thrown: unknown, reader: ProblemReader): Response {
  const headers = thrown instanceof HttpFault ? thrown.headers : {};
  const body = problemOf(thrown, reader);
  return new Response(JSON.stringify(body), {
    status: body.status,
    headers: { 'content-type': 'application/problem+json', ...headers },
  });
}

export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly instance: string;
  readonly jobId?: string;
  readonly decisionId?: string;
  readonly errors?: readonly { readonly field: string; readonly rule: string }[];
  readonly findings?: readonly FindingText[];
}

function problemOf(thrown: unknown, { language, requestId }: ProblemReader): Problem {
  const instance = `/requests/${requestId}`;
  if (thrown instanceof Refusal || thrown instanceof Failure) {
    const { code, sentence } = thrown;
    return {
      type: `/problems/${code}`,
      title: render(say(`problem.${code}`), language),
      status: STATUS[code],
      code,
      detail: render(sentence, language),
      instance,
      ...membersOf(thrown, language),
    };
  }
  const fault = thrown instanceof HttpFault ? thrown : new HttpFault('INTERNAL', say('api.internal'));
  return {
    type: 'about:blank',
    title: render(say(`http.${fault.code}`), language),
    status: HTTP_STATUS[fault.code],
    code: fault.code,
    detail: render(fault.sentence, language),
    instance,
  };
}

function membersOf(thrown: Refusal | Failure, language: Language): Partial<Problem> {
  if (thrown instanceof JobRefused) {
    const { jobId, decisionId } = thrown;
    return decisionId === null ? { jobId } : { jobId, decisionId };
  }
  if (thrown instanceof ProgramRefused)
    return { findings: thrown.findings.map((finding) => findingText(finding, language)) };
  if (!(thrown instanceof FieldFaults)) return {};
  return { errors: thrown.faults.map(({ field, rule }) => ({ field, rule: render(rule, language) })) };
}

/** Whether something thrown is to be reported: a bug, or a state of the machine that only its operator can change. */
export function isBug(thrown: unknown): boolean {
  if (thrown instanceof Failure && thrown.code === 'STATE_BUSY') return true;
  return !(thrown instanceof Refusal || thrown instanceof Failure || thrown instanceof HttpFault);
}

/** The status of a code, for the document of the API. */
export function statusOf(code: Code | HttpCode): number {
  return code in STATUS ? STATUS[code as Code] : HTTP_STATUS[code as HttpCode];
}
