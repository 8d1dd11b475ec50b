/**
 * A circuit breaker: a service that failed several times in a row is not asked for a while, and every call is
 * refused at once meanwhile.
 *
 * closed → (failures in a row) → open → (pause over) → one call is let through → closed, or open again.
 */
export class Circuit {
  readonly #failuresMax: number;
  readonly #pauseMs: number;
  readonly #clock: () => number;
  #failures = 0;
  #openUntil = 0;

  /** @param clock milliseconds that never go back. */
  constructor(limits: { readonly failuresMax: number; readonly pauseMs: number }, clock: () => number) {
    this.#failuresMax = limits.failuresMax;
    this.#pauseMs = limits.pauseMs;
    this.#clock = clock;
  }

  /** Whether a call may be made now. After a pause only the first to ask may. */
  admits(): boolean {
    if (this.#failures < this.#failuresMax) return true;
    const now = this.#clock();
    if (now < this.#openUntil) return false;
    this.#openUntil = now + this.#pauseMs;
    return true;
  }

  succeeded(): void {
    this.#failures = 0;
  }

  failed(): void {
    this.#failures += 1;
    if (this.#failures >= this.#failuresMax) this.#openUntil = this.#clock() + this.#pauseMs;
  }
}
