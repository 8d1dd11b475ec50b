/**
 * Exact sums of many integers, in doubles as long as every partial sum is below 2^53, and in big integers beyond.
 *
 * Guarantee: no addition is inexact: `reserve` says beforehand how much may be added, and moves what is there out of
 * the doubles when there is no room.
 */

/** From here integers are not all doubles. */
export const EXACT_LIMIT = 2 ** 53;

export class Totals {
  readonly #fast: Float64Array;
  readonly #exact = new Map<number, bigint>();
  #used = 0;
  #isDirect = false;

  constructor(length: number) {
    this.#fast = new Float64Array(length);
  }

  /** Announces additions whose magnitudes add up to at most `most` until the next announcement. */
  reserve(most: number): void {
    this.#isDirect = !(most < EXACT_LIMIT);
    if (this.#used + most >= EXACT_LIMIT) this.#flush();
    this.#used += this.#isDirect ? 0 : most;
  }

  /** Adds an integer that is a double. */
  add(index: number, amount: number): void {
    if (this.#isDirect) this.addExact(index, BigInt(amount));
    else this.#fast[index]! += amount;
  }

  /** Adds any integer, announced or not. */
  addExact(index: number, amount: bigint): void {
    this.#exact.set(index, (this.#exact.get(index) ?? 0n) + amount);
  }

  all(): readonly bigint[] {
    this.#flush();
    return Array.from(this.#fast, (_, index) => this.#exact.get(index) ?? 0n);
  }

  #flush(): void {
    for (const [index, amount] of this.#fast.entries()) {
      if (amount !== 0) this.addExact(index, BigInt(amount));
    }
    this.#fast.fill(0);
    this.#used = 0;
  }
}
