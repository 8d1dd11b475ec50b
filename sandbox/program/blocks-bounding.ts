/**
 * Partials of a program of mode `blocks`: the answers of its blocks, clamped to the grid and added up.
 *
 * Guarantee: every block adds one answer within the bounds to every entry, whatever it returned or failed to return, so
 * that one unit, which is in one block, moves each entry by at most the width of its bounds. What is no number answers
 * the default, and so does an output of another length than declared.
 */
import type { BlocksMeasure, Partials, Plan } from '../plan.ts';
import { gridReading } from './mapped-column.ts';
import { Totals } from './totals.ts';

export class BlocksBounding {
  readonly #measure: BlocksMeasure;
  readonly #totals: readonly Totals[];
  #blocks = 0;

  constructor({ measures }: Plan) {
    const [measure] = measures;
    if (measure?.kind !== 'blocks') throw new RangeError('not a Plan of blocks');
    this.#measure = measure;
    this.#totals = measure.outputs.map(({ width }) => new Totals(width));
  }

  /** The answer of one more block: numbers per output, or that it failed or died. */
  take(answer: readonly Float64Array[] | 'failed' | 'died'): void {
    if (this.#blocks === this.#measure.count) throw new RangeError('more answers than blocks');
    this.#blocks += 1;
    for (const [index, output] of this.#measure.outputs.entries()) {
      const { width, argument, defaultGrid } = output;
      const given = typeof answer === 'string' ? undefined : answer[index];
      const toGrid = gridReading(argument, 0);
      for (let entry = 0; entry < width; entry += 1) {
        const k = given?.length === width ? toGrid(given[entry]!) : NaN;
        this.#totals[index]!.addExact(entry, Number.isNaN(k) ? defaultGrid : BigInt(k));
      }
    }
  }

  /** To be called when every block has answered, or its failure has. */
  partials(): Partials {
    if (this.#blocks !== this.#measure.count) throw new RangeError('fewer answers than blocks');
    return { keys: null, vectors: [this.#totals.flatMap((totals) => totals.all())] };
  }
}
