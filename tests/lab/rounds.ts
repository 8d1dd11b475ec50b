/** Many tests' requests in few processes: each test registers its lines, and reads its answers when all have run. */
import { type Answer, type Folder, runBatch } from './lab-process.ts';

/** The answers to lines that were registered; an error before the round has run. */
export type Answers = () => readonly Answer[];

/** Rounds of requests: one process each, one after the other, with steps between them. */
export class Rounds {
  readonly #folder: Folder;
  readonly #rounds: object[][] = [];
  readonly #answers: (readonly Answer[])[] = [];
  readonly #steps: (() => void)[] = [];

  constructor(folder: Folder) {
    this.#folder = folder;
  }

  /** Registers lines for a round (from 0). */
  add(round: number, lines: readonly object[]): Answers {
    const list = (this.#rounds[round] ??= []);
    const from = list.length;
    list.push(...lines);
    return () => {
      const answers = this.#answers[round];
      if (answers === undefined) throw new Error('the round has not run');
      return answers.slice(from, from + lines.length);
    };
  }

  /** Registers what happens after the first round and before the second. */
  afterFirst(step: () => void): void {
    this.#steps.push(step);
  }

  async run(): Promise<void> {
    for (const [round, lines] of this.#rounds.entries()) {
      if (round === 1) for (const step of this.#steps) step();
      this.#answers.push(await runBatch(this.#folder, lines));
    }
  }
}
