/**
 * What can go wrong with a call, as two errors: the server said no (RFC 9457), or nobody answered.
 *
 * Guarantee: neither carries a token, a key or a request; `message` is the server's own sentence or a fixed one.
 */
import type { ProgramFinding } from './resources.ts';

/** A field of the request that breaks a rule. */
export interface FieldFault {
  readonly field: string;
  readonly rule: string;
}

/** The server's no. */
export class ProblemError extends Error {
  readonly status: number;
  /** Upper snake case; `HTTP` and the status when the answer was no problem document. */
  readonly code: string;
  readonly detail: string;
  readonly jobId: string | null;
  readonly decisionId: string | null;
  readonly errors: readonly FieldFault[];
  /** What admission found in a program. */
  readonly findings: readonly ProgramFinding[];

  constructor(status: number, document: Readonly<Record<string, unknown>>) {
    const code = textOf(document['code']) ?? `HTTP_${status}`;
    const detail = textOf(document['detail']) ?? textOf(document['title']) ?? code;
    super(`${code}: ${detail}`);
    this.name = 'ProblemError';
    this.status = status;
    this.code = code;
    this.detail = detail;
    this.jobId = textOf(document['jobId']);
    this.decisionId = textOf(document['decisionId']);
    this.errors = faultsOf(document['errors']);
    this.findings = findingsOf(document['findings']);
  }

  /** Whether the server is at fault or busy, and not the request. */
  get isFault(): boolean {
    return this.status >= 500 || this.status === 408;
  }
}

/** No answer, or one that is not from this API. */
export class UnreachableError extends Error {
  readonly url: string;

  constructor(url: string, options?: ErrorOptions) {
    super(`no answer of the API at ${url}`, options);
    this.name = 'UnreachableError';
    this.url = url;
  }
}

/** Reads the answer to a call that failed; whatever it holds, there is an error to throw. */
export async function problemOf(response: Response): Promise<ProblemError> {
  try {
    const document: unknown = await response.json();
    if (typeof document === 'object' && document !== null)
      return new ProblemError(response.status, asProblem(document as Record<string, unknown>));
  } catch {
    // A proxy's page, or a body cut short: the status is all there is.
  }
  return new ProblemError(response.status, {});
}

/** The token endpoint answers in the form of RFC 6749 §5.2. */
function asProblem(document: Record<string, unknown>): Record<string, unknown> {
  const { error, error_description: description } = document;
  if (typeof error !== 'string' || 'code' in document) return document;
  return { code: error.toUpperCase(), detail: textOf(description) ?? error };
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}

function faultsOf(value: unknown): readonly FieldFault[] {
  if (!Array.isArray(value)) return [];
  return value.flatMap((entry: unknown) => {
    const { field, rule } = (entry ?? {}) as Record<string, unknown>;
    return typeof field === 'string' && typeof rule === 'string' ? [{ field, rule }] : [];
  });
}

function findingsOf(value: unknown): readonly ProgramFinding[] {
  if (!Array.isArray(value)) return [];
  return value.flatMap((entry: unknown) => {
    const { rule, line, column, severity, message } = (entry ?? {}) as Record<string, unknown>;
    const isFinding =
      typeof rule === 'string' &&
      typeof line === 'number' &&
      typeof column === 'number' &&
      typeof severity === 'string' &&
      typeof message === 'string';
    return isFinding ? [{ rule, line, column, severity, message }] : [];
  });
}
