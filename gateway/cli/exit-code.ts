/** How a command ends: the exit codes that scripts rely on, and which error ends with which. */
import { ProblemError, UnreachableError } from '../client/problem.ts';
import { FAILED_CODES, Failure, Refusal, REFUSED_CODES } from '#policies/refusal.ts';

export const EXIT = {
  /** Done; of a request: decided and released. */
  done: 0,
  /** A fault of Unseen itself. */
  bug: 1,
  /** Wrong arguments, or a file that is missing or not what it should be. */
  arguments: 2,
  /** The machine, the network or the server failed or is busy; trying again may help. */
  failed: 3,
  /** The server or a policy said no; trying the same again does not help. */
  refused: 4,
  /** `verify`: something does not hold. `program try`: something went wrong with a made-up record. */
  invalid: 5,
  /** `verify`: intact, but nothing that the reader gave vouches for it. */
  untrusted: 6,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** The exit code of an error that a command may end with; null for anything else, which is our fault. */
export function exitCodeOf(error: unknown): ExitCode | null {
  if (error instanceof Refusal) return EXIT.refused;
  if (error instanceof Failure) return error.code === 'CONFIG' ? EXIT.arguments : EXIT.failed;
  if (error instanceof UnreachableError) return EXIT.failed;
  if (!(error instanceof ProblemError)) return null;
  if (isOneOf(REFUSED_CODES, error.code)) return EXIT.refused;
  if (isOneOf(FAILED_CODES, error.code)) return error.code === 'CONFIG' ? EXIT.arguments : EXIT.failed;
  return error.isFault || BUSY.has(error.code) ? EXIT.failed : EXIT.refused;
}

function isOneOf(codes: readonly string[], code: string): boolean {
  return codes.includes(code);
}

/** Answers below 500 that will be others in a moment. BUDGET and QUOTA are not among them: those are decisions. */
const BUSY: ReadonlySet<string> = new Set(['RATE', 'IN_FLIGHT', 'HTTP_429']);
