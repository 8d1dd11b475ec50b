/** A folder with small data, and what its lab keeps of its spending: what the tests of the lab's state share. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Answer, Folder } from './lab-process.ts';
import { csvOf, manifestOf, policyOf } from './small-data.ts';

/** ε 1 at δ 1e-6 in nano-ρ, rounded up: Canonne, Kamath and Steinke (arXiv:2004.00010), Proposition 12. */
export const COST = 24_355_971n;

/** A line of the journal. */
export interface JournalEntry {
  readonly type: string;
  readonly nano?: string;
  readonly releaseId?: string;
}

/** What is left of the budget, as an answer says. */
export function left(answer: Answer | undefined): bigint {
  return BigInt(answer!.budget.rhoNanoLeft!);
}

/** Two hundred people, one row each, under the small policy; states that are asked for by name. */
export class LedgerFolder extends Folder {
  readonly dataset: string;
  readonly policy: string;
  #states = 0;

  constructor() {
    super();
    const people = Array.from({ length: 200 }, (_, i) => ({ uid: i, age: i % 90, zip: ['n', 's'][i % 2]! }));
    this.write('data.csv', csvOf(people));
    this.dataset = this.write('dataset.yaml', manifestOf('data.csv'));
    this.policy = this.write('policy.yaml', policyOf());
  }

  /** The name of a state that nobody used yet. */
  fresh(): string {
    this.#states += 1;
    return `state-${this.#states}`;
  }

  /** A request of the lab that counts the people. */
  ask(state: string, more: object = {}): object {
    const { dataset, policy } = this;
    return { dataset, policy, sql: 'SELECT COUNT(*) FROM people', state, ...more };
  }

  journalOf(state: string): readonly JournalEntry[] {
    const text = readFileSync(join(this.path, state, 'journal.jsonl'), 'utf8');
    return text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as JournalEntry);
  }

  /** How many runs were opened in a state. */
  openedIn(state: string): bigint {
    return BigInt(this.journalOf(state).filter(({ type }) => type === 'opened').length);
  }
}
