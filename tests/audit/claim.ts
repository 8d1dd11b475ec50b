/** A claim: a promise of the project, the code that carries it, and the tests that would fail without it. */

export interface Claim {
  readonly id: string;
  readonly sentence: string;
  readonly code: readonly string[];
  readonly tests: readonly string[];
  readonly controls: readonly string[];
}
