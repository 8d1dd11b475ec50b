/**
 * The SQL path as an attacker meets it, in this process: compiler, printer, engine, ledger and the one door. Beside it
 * builds that are weak on purpose, which an attack must succeed against.
 *
 * What a statement computes is kept, so that one question can be released as often as statistics need. Each release is
 * one that its ledger would have charged for.
 * Not covered: processes and the jail, storage, and when an answer leaves; the tests of journeys are about those.
 */
import { computePartials } from '#sandbox/execute.ts';
import type { Dataset } from '#sandbox/manifest/dataset.ts';
import type { ReleasePolicy } from '#sandbox/manifest/policy.ts';
import { parseDataset } from '#sandbox/manifest/dataset-file.ts';
import { parsePolicy } from '#sandbox/manifest/policy-file.ts';
import type { Partials, Plan, Presentation } from '#sandbox/plan.ts';
import { Refusal } from '#policies/refusal.ts';
import { type Compiled, compileQuery } from '#sandbox/query/compile.ts';
import { capacityOf, charge, openLedger } from '#sandbox/release/accountant.ts';
import { type Output, present } from '#sandbox/release/present.ts';
import type { RandomSource } from '#sandbox/release/random.ts';
import { NoisePool } from '#sandbox/release/noise-pool.ts';
import { release } from '#sandbox/release/release.ts';
import { tapedRandom } from './byte-tape.ts';
import { changedEngine, type InProcessEngine, openRows, type SqlChange } from './in-process-engine.ts';
import { certifiedEpsilon, type Hits, hitsOf } from './privacy-test.ts';
import type { Row } from './reference-expression.ts';

/** How the door of a build differs from the real one. */
export interface Build {
  /** The Plan that Release is told, in the place of the one that ran. */
  readonly released?: (plan: Plan) => Plan;
}

export const REAL: Build = {};

/** Noise that is never drawn, for any sensitivity. */
export const NOISE_FREE: Build = {
  released: (plan) => ({ ...plan, cost: { ...plan.cost, nano: 10n ** 40n } }),
};

/** What is asked about. */
export interface Subject {
  readonly dataset: Dataset;
  readonly policy: ReleasePolicy;
}

/** A subject from what a provider writes; its source is never opened. */
export function subjectOf(manifest: object, policy: object): Subject {
  const source = { kind: 'Dataset', source: { type: 'parquet', path: 'none.parquet' }, maxRows: 1000 };
  return {
    dataset: parseDataset(JSON.stringify({ ...source, ...manifest }), { path: '/nowhere/dataset.yaml' }),
    policy: parsePolicy(JSON.stringify({ kind: 'ReleasePolicy', ...policy }), {
      path: '/nowhere/policy.yaml',
    }),
  };
}

/** A statement as the front end compiles it. */
export function compiledFor(
  { dataset, policy }: Subject,
  sql: string,
  epsilon: number | null = null,
): Compiled {
  return compileQuery(
    { sql, epsilon, delta: null },
    {
      datasets: [dataset],
      policyOf: () => policy,
      versionIdOf: () => 'v1',
      defaultTiming: { mode: 'exact' },
    },
  );
}

/** A statement and its exact integers. */
export interface Question {
  readonly plan: Plan;
  readonly presentation: Presentation;
  readonly partials: Partials;
}

/** The rows of a subject behind the SQL path of a build. */
export class Target implements Disposable {
  readonly #subject: Subject;
  readonly #engine: InProcessEngine;
  readonly #printed: SqlChange;

  constructor(subject: Subject, engine: InProcessEngine, printed: SqlChange) {
    this.#subject = subject;
    this.#engine = engine;
    this.#printed = printed;
  }

  /** `printed`: what the engine runs in the place of the printed SQL. */
  static async over(
    rows: readonly Row[],
    subject: Subject,
    printed: SqlChange = (sql) => sql,
  ): Promise<Target> {
    return new Target(subject, await openRows(rows, subject.dataset.columns), printed);
  }

  /** Refused statements throw, as everywhere. */
  async ask(sql: string, epsilon: number | null = null): Promise<Question> {
    const { plan, presentation } = compiledFor(this.#subject, sql, epsilon);
    const engine = changedEngine(this.#engine, this.#printed);
    const partials = await computePartials(plan, this.#subject.dataset, engine, 'a lineage’s seed');
    return { plan, presentation, partials };
  }

  [Symbol.dispose](): void {
    this.#engine[Symbol.dispose]();
  }
}

/** What a buyer gets for a question, with fresh noise. */
export function answered(
  { plan, presentation, partials }: Question,
  random: RandomSource,
  { released = (real) => real }: Build = REAL,
): readonly Output[] {
  const build = released(plan);
  return present(plan, release(build, partials, new NoisePool(build, random).fill()), presentation);
}

/**
 * The ε that an attacker proves, who says that the victim is there: from n attacks, each with noise of its own, on the
 * data with the victim, and as many without.
 */
export function provenEpsilon(
  sides: readonly [readonly Question[], readonly Question[]],
  isThere: (values: readonly number[]) => boolean,
  { build, n }: { readonly build: Build; readonly n: number },
): number {
  const [with_, without] = sides.map((questions, side) => {
    const tape = tapedRandom(`attacks on side ${side}`);
    const attacks = Array.from({ length: n }, () =>
      questions.flatMap((question) => answered(question, tape, build).map(({ value }) => value!)),
    );
    return hitsOf(attacks, isThere);
  }) as [Hits, Hits];
  return certifiedEpsilon(with_, without, 0);
}

/** The first value of an answer. */
export function valueOf(question: Question, random: RandomSource, build: Build = REAL): number {
  return answered(question, random, build)[0]!.value!;
}

/** The questions that a fresh lineage lets pass, asked one after the other, until it refuses one with BUDGET. */
export function affordable(
  questions: readonly Question[],
  { policy: { budget, mechanism, keys } }: Subject,
): readonly Question[] {
  if (budget === 'unlimited') return questions;
  let ledger = openLedger(capacityOf(budget, { keysMayBeThresholded: keys === 'thresholded', mechanism }));
  const refused = questions.findIndex(({ plan }) => {
    try {
      ledger = charge(ledger, plan.cost);
      return false;
    } catch (error) {
      if (error instanceof Refusal && error.code === 'BUDGET') return true;
      throw error;
    }
  });
  return refused < 0 ? questions : questions.slice(0, refused);
}
