/**
 * The lab's ledger on disk: what is spent stays spent, through repeats, aliases, new policies and torn files.
 *
 * Not covered: processes that are killed or meet on one directory (processes.test.ts).
 */
import { appendFileSync, readFileSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Lab } from '#gateway/lab/lab.ts';
import { type Answer, runLab } from './lab-process.ts';
import { COST, LedgerFolder, left } from './ledger.ts';
import { Rounds } from './rounds.ts';
import { csvOf, manifestOf, policyOf } from './small-data.ts';

const folder = new LedgerFolder();
afterAll(() => folder[Symbol.dispose]());
const { dataset, policy } = folder;
const fresh = (): string => folder.fresh();
const ask = (state: string, more: object = {}): object => folder.ask(state, more);

const rounds = new Rounds(folder);
beforeAll(() => rounds.run());

describe('a repeat', () => {
  const state = fresh();
  const thousand = rounds.add(
    0,
    Array.from({ length: 1000 }, () => ask(state)),
  );

  test('B3: a thousand times the same request is paid once, and gives one answer', () => {
    const [first, ...rest] = thousand() as [Answer, ...Answer[]];
    expect(first).toMatchObject({
      repeat: false,
      budget: { rhoNanoSpent: String(COST), epsilonSpent: 1, delta: 1e-6 },
    });
    const bytes = JSON.stringify([first.releaseId, first.outputs, first.notes, first.receipt]);
    for (const answer of rest) {
      expect(answer).toMatchObject({ decision: 'released', repeat: true, usage: { ledgerNano: '0' } });
      expect(answer.budget).toMatchObject({ rhoNanoSpent: '0', epsilonSpent: 0, delta: 0 });
      expect(JSON.stringify([answer.releaseId, answer.outputs, answer.notes, answer.receipt])).toBe(bytes);
      expect(left(answer)).toBe(left(first));
    }
    expect(folder.openedIn(state)).toBe(1n);
  });

  const spelling = fresh();
  const where = (condition: string): object =>
    ask(spelling, { sql: `SELECT zip, COUNT(*) AS c FROM people WHERE ${condition} GROUP BY zip` });
  const asked = rounds.add(0, [where("age > 1 AND zip = 'n'")]);
  const again = rounds.add(1, [
    where("'n' = zip AND 1 < age AND zip = 'n'"),
    ask(spelling, {
      sql: "SELECT COUNT(*) AS d, zip FROM people WHERE zip = 'n' AND age > 1 GROUP BY zip HAVING COUNT(*) > -1e9 ORDER BY d DESC LIMIT 1",
    }),
    { ...where("age > 1 AND zip = 'n'"), epsilon: 0.5 },
    where("age > 2 AND zip = 'n'"),
  ]);

  test('B4: in another process and another spelling it is free; what changes the noise is paid', () => {
    const [first] = asked();
    const [spelt, shown, cheaper, other] = again();
    for (const repeat of [spelt, shown]) {
      expect(repeat).toMatchObject({ repeat: true, releaseId: first!.releaseId, receipt: first!.receipt });
      expect(left(repeat)).toBe(left(first));
    }
    const values = first!.outputs.map(({ value }) => value);
    expect(spelt!.outputs.map(({ value }) => value)).toEqual(values);
    expect(shown!.outputs.map(({ value }) => value)).toEqual([Math.max(...(values as number[]))]);
    expect(cheaper).toMatchObject({ repeat: false, budget: { epsilonSpent: 0.5 } });
    expect(other).toMatchObject({ repeat: false, budget: { epsilonSpent: 1 } });
    expect(folder.openedIn(spelling)).toBe(3n);
  });

  const changed = fresh();
  folder.write('growing.csv', csvOf([{ uid: 1, age: 1, zip: 'n' }]));
  const growing = folder.write('growing.yaml', manifestOf('growing.csv'));
  const before = rounds.add(0, [ask(changed, { dataset: growing })]);
  rounds.afterFirst(() =>
    folder.write(
      'growing.csv',
      csvOf([
        { uid: 1, age: 1, zip: 'n' },
        { uid: 2, age: 1, zip: 's' },
      ]),
    ),
  );
  const after = rounds.add(1, [ask(changed, { dataset: growing })]);

  test('of another content of the dataset is no repeat', () => {
    expect(after()[0]).toMatchObject({ decision: 'released', repeat: false });
    expect(left(before()[0]) - left(after()[0])).toBe(COST);
  });
});

describe('the ledger', () => {
  const budgetOf = (epsilon: number): string =>
    folder.write(`budget-${epsilon}.yaml`, policyOf({ budget: { epsilon, delta: 1e-6 } }));
  const sum = (i: number): string => `SELECT SUM(age) FROM people WHERE age > ${i}`;

  test('B2: of fifty requests at once that cost 60 % each, one is accepted', async () => {
    const tight = budgetOf(1.3);
    const lab = new Lab('en');
    try {
      const state = join(folder.path, fresh());
      const asked = Array.from({ length: 50 }, (_, i) =>
        lab.answer({ dataset: [dataset], policy: tight, state, sql: sum(i) }),
      );
      const decisions = (await Promise.all(asked)).map((answer) => answer.code ?? answer.decision);
      expect(decisions.toSorted()).toEqual([...Array.from({ length: 49 }, () => 'BUDGET'), 'released']);
    } finally {
      await lab.close();
    }
  });

  const full = fresh();
  const fill = [0, 1, 2, 3, 4].map((i) => ask(full, { policy: budgetOf(2), sql: sum(i) }));
  const filling = [rounds.add(0, fill.slice(0, 2)), rounds.add(1, fill.slice(2))];

  test('adds up over processes to exactly its capacity, and refuses the next request', () => {
    const answers = filling.flatMap((answersOf) => answersOf());
    // cdp_rho(2, 1e-6) = 0.0867: three times 0.02436 fit, four do not.
    expect(answers.map(({ code }) => code)).toEqual([null, null, null, 'BUDGET', 'BUDGET']);
    const capacity = left(answers[0]) + COST;
    expect(answers.map(left)).toEqual([1n, 2n, 3n, 3n, 3n].map((jobs) => capacity - jobs * COST));
    expect(answers[3]).toMatchObject({
      decision: 'refused',
      outputs: [],
      receipt: null,
      budget: { rhoNanoSpent: '0' },
    });
  });

  const lowered = fresh();
  const lowering = rounds.add(
    0,
    [4, 100, 1.05, 4, 100].map((epsilon, i) => ask(lowered, { policy: budgetOf(epsilon), sql: sum(i) })),
  );
  const raisedLater = rounds.add(1, [ask(lowered, { policy: budgetOf(4), sql: sum(9) })]);

  test('B6: a later policy lowers the capacity and never raises it, not even back', () => {
    const answers = lowering();
    expect(answers.map(({ code }) => code)).toEqual([null, null, 'BUDGET', 'BUDGET', 'BUDGET']);
    expect(left(answers[1])).toBe(left(answers[0]) - COST);
    expect(raisedLater()[0]!.code).toBe('BUDGET');
  });

  const unlimited = folder.write('unlimited.yaml', policyOf({ budget: 'unlimited' }));
  const ended = fresh();
  const limiting = rounds.add(0, [
    ...[0, 1, 2].map((i) => ask(ended, { policy: unlimited, sql: sum(i) })),
    ask(ended, { policy: budgetOf(2), sql: sum(3) }),
    ask(ended, { policy: budgetOf(1.05), sql: sum(3) }),
    ask(ended, { policy: unlimited, sql: sum(4) }),
  ]);

  test('what was spent while a budget was unlimited counts when it is not', () => {
    expect(limiting().map(({ code }) => code)).toEqual([null, null, null, 'BUDGET', 'BUDGET', 'BUDGET']);
  });

  const twoUnits = fresh();
  const pure = folder.write(
    'pure.yaml',
    policyOf({ mechanism: 'laplace', budget: { epsilon: 8, delta: 0 }, perJob: { epsilon: 1 } }),
  );
  const units = rounds.add(0, [ask(twoUnits), ask(twoUnits, { policy: pure }), ask(twoUnits)]);

  test('of one unit does not take amounts of the other', () => {
    expect(units().map(({ decision, code }) => [decision, code])).toEqual([
      ['released', null],
      ['failed', 'CONFIG'],
      ['released', null],
    ]);
  });

  const aliased = fresh();
  const original = csvOf([{ uid: 1, age: 1, zip: 'n' }]);
  folder.write('original.csv', original);
  folder.write('copy.csv', original);
  symlinkSync('original.csv', join(folder.path, 'link.csv'));
  const named = (file: string, lineage: string): object =>
    ask(aliased, { dataset: folder.write(`${lineage}-${file}.yaml`, { ...manifestOf(file), lineage }) });
  const aliases = rounds.add(0, [
    named('original.csv', 'first'),
    named('original.csv', 'second'),
    named('copy.csv', 'second'),
    named('link.csv', 'second'),
    named('copy.csv', 'first'),
  ]);
  rounds.afterFirst(() => folder.write('original.csv', `${original}2,2,s\n`));
  const linked = rounds.add(1, [named('link.csv', 'second'), named('link.csv', 'first')]);

  test('B5: a second lineage over the same file, a copy or a link of it is refused', () => {
    expect(aliases().map(({ code }) => code)).toEqual([null, 'CONFIG', 'CONFIG', 'CONFIG', null]);
    // New content, reached by another name of the file before its own lineage has seen it.
    expect(linked().map(({ code }) => code)).toEqual(['CONFIG', null]);
  });

  const line = { dataset, policy: budgetOf(1.05), sql: 'SELECT COUNT(*) FROM people' };
  const stateless = rounds.add(0, [line, line, line]);

  test('is fresh for each line without a state', () => {
    expect(stateless().map(({ code, repeat }) => [code, repeat])).toEqual(
      Array.from({ length: 3 }, () => [null, false]),
    );
  });
});

describe('a journal', () => {
  const journalPath = (state: string): string => join(folder.path, state, 'journal.jsonl');
  const torn = fresh();
  const first = rounds.add(0, [ask(torn)]);
  rounds.afterFirst(() => appendFileSync(journalPath(torn), '{"type":"released","lineage":"people","pl'));
  const second = rounds.add(1, [ask(torn), ask(torn, { epsilon: 0.5 })]);

  test('that ends in the middle of a write loses that line alone', () => {
    const [repeat, other] = second();
    expect(repeat).toMatchObject({ repeat: true, releaseId: first()[0]!.releaseId });
    expect(other!.decision).toBe('released');
    const types = folder.journalOf(torn).map(({ type }) => type);
    expect(types).toEqual(['version', 'lineage', 'opened', 'released', 'opened', 'released']);
  });

  const damaged = fresh();
  rounds.add(0, [ask(damaged)]);
  rounds.afterFirst(() => {
    const lines = readFileSync(journalPath(damaged), 'utf8').split('\n');
    writeFileSync(journalPath(damaged), [lines[0], lines[1]!.slice(0, 20), ...lines.slice(2)].join('\n'));
  });
  const unusable = rounds.add(1, [ask(damaged)]);

  test('that is damaged before its end is not used', () => {
    expect(unusable()[0]).toMatchObject({ decision: 'failed', code: 'CONFIG' });
  });
});

describe('a state directory', () => {
  test('that is no directory is CONFIG, and the process ends with 2', async () => {
    folder.write('a-file', 'x');
    const { code, answers } = await runLab(
      folder,
      '--dataset',
      dataset,
      '--policy',
      policy,
      '--sql',
      'SELECT COUNT(*) FROM people',
      '--state',
      'a-file',
    );
    expect(code).toBe(2);
    expect(answers[0]).toMatchObject({ decision: 'failed', code: 'CONFIG' });
  });

  const kept = fresh();
  const first = rounds.add(0, [ask(kept)]);
  const second = rounds.add(1, [ask(kept, { epsilon: 0.5 }), { ...ask(kept), state: undefined }]);
  const keyOf = (answer: Answer | undefined): unknown => {
    const header = Buffer.from(answer!.receipt!.split('.')[0]!, 'base64url').toString();
    return (JSON.parse(header) as { kid: string }).kid;
  };

  test('keeps its key: receipts of two processes have one signer', () => {
    const [later, stateless] = second();
    expect(keyOf(later)).toBe(keyOf(first()[0]));
    expect(keyOf(stateless)).not.toBe(keyOf(first()[0]));
  });

  const place = fresh();
  const moved = fresh();
  const before = rounds.add(0, [ask(place)]);
  rounds.afterFirst(() => renameSync(join(folder.path, place), join(folder.path, moved)));
  const after = rounds.add(1, [ask(moved)]);

  test('can be moved', () => {
    expect(after()[0]).toMatchObject({ repeat: true, releaseId: before()[0]!.releaseId });
  });
});
