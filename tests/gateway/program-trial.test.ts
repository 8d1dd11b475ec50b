/** The trial at submission: what is refused with what went wrong, what is kept with its report, and who reads it. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { listDatasets } from '#gateway/storage/dataset-list.ts';
import { mockRecords } from '#sandbox/program/mock.ts';
import { programTrial } from '#gateway/services/program-trial.ts';
import { ASK, jsonOf, makeWorld, type World } from '#tests/support/gateway-world.ts';

let world: World;
beforeAll(async () => {
  const trial = programTrial();
  world = await makeWorld({
    // The datasets of this world demand a jail, which not every machine has; what a trial says is the same without.
    trial: (program, datasets) => trial(program, datasets, 'preferred'),
  });
});
afterAll(() => world.close());

const MANIFEST = {
  kind: 'Program',
  name: 'spend',
  mode: 'map',
  inputs: { visits: ['age', 'cost'] },
  outputs: { spend: { kind: 'sum', bounds: [0, 500] } },
};
const submit = (module: string, manifest: object = MANIFEST): Promise<Response> =>
  world.as('ben', '/v1/programs', { module, manifest });

interface Shown {
  readonly events: readonly { readonly event: string; readonly detail: Readonly<Record<string, unknown>> }[];
}

describe('a program that is submitted', () => {
  test('is refused where it gives nothing from any record, with every finding, and is not kept', async () => {
    const response = await submit('export function map(row) {\n  return row.age * row.price;\n}\n');
    expect(response.status).toBeGreaterThanOrEqual(400);
    const problem = await jsonOf<{ code: string; findings: readonly object[] }>(response);
    expect(problem.code).toBe('PROGRAM_NOT_ADMITTED');
    expect(problem.findings[0]).toMatchObject({
      rule: 'trial',
      severity: 'error',
      message: expect.stringContaining('nan: NaN'),
    });
    expect(problem.findings[1]).toMatchObject({ rule: 'trial.nan', line: 2, severity: 'warning' });
    expect(await jsonOf(world.as('ben', '/v1/programs'))).toMatchObject({ items: [] });
  });

  test('is kept with its report, which its readers see in their language', async () => {
    const module =
      'export function map(row) {\n  if (row.age === null) throw new Error("no\\u0000 age");\n  return row.cost === null ? 0 : row.cost;\n}\n';
    const response = await submit(module);
    expect(response.status).toBe(201);
    const { digest } = await jsonOf<{ digest: string }>(response);
    for (const [language, says] of [
      ['en', 'throws Error: no  age'],
      ['zh', '抛出 Error: no  age'],
    ] as const) {
      const { events } = await jsonOf<Shown>(
        world.as('olga', `/v1/programs/${digest}`, undefined, { 'accept-language': language }),
      );
      const { detail } = events.find(({ event }) => event === 'scanned')!;
      expect(detail['trial']).toMatchObject({
        records: 1200,
        nothing: expect.any(Number),
        findings: expect.arrayContaining([
          expect.objectContaining({ kind: 'throw', line: 2, message: expect.stringContaining(says) }),
        ]),
        refused: null,
      });
    }
  });

  test('is refused for a column that no program may read, before it is reviewed', async () => {
    const manifest = { ...MANIFEST, inputs: { visits: ['no_such_column'] } };
    const problem = await jsonOf<{ code: string }>(submit('export function map() { return 1; }', manifest));
    expect(problem.code).toBe('COLUMN');
  });

  test('is tried one at a time, and one that fails does not hold up the next', async () => {
    const responses = await Promise.all([
      submit('export function map(row) { return row.nothing; }'),
      submit('export function map(row) { return row.age ?? 0; } // second'),
      submit('export function map(row) { return row.age ?? 1; } // third'),
    ]);
    expect(responses.map(({ status }) => status === 201)).toEqual([false, true, true]);
  });

  test('has the share of its trial that gave nothing in every quote', async () => {
    const module = 'export const map = (row) => (row.age === null ? null : row.age);\n';
    const { digest } = await jsonOf<{ digest: string }>(submit(module));
    for (const person of ['olga', 'petra'] as const) {
      await world.as(person, `/v1/programs/${digest}`);
      expect((await world.as(person, `/v1/programs/${digest}/approval`, {})).status).toBe(200);
    }
    const nothing = mockRecords(
      (await listDatasets(world.db)).find(({ name }) => name === 'visits')!.manifest,
    ).filter(({ age }) => age === null).length;
    expect(nothing).toBeGreaterThan(0);
    const { sql: _sql, ...terms } = ASK;
    const quote = async (language: string): Promise<string> =>
      String(
        (
          await jsonOf(
            world.as('ben', '/v1/quotes', { ...terms, program: digest }, { 'accept-language': language }),
          )
        )['summary'],
      );
    expect(await quote('en')).toContain(` In a trial, ${nothing} of 1200 made-up records gave nothing.`);
    expect(await quote('zh')).toContain(`1200 条模拟记录里有 ${nothing} 条`);
  });
});
