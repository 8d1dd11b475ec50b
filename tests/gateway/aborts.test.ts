/**
 * Programs that kill their isolates, over a real worker: the job ends, the operator is told, and the third such job
 * suspends the program until both sides have approved it again.
 *
 * Controls: as many deadly records as the policy admits release an answer, and two aborted jobs suspend nothing.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { findViolations } from '#gateway/storage/invariants.ts';
import { jsonOf } from '#tests/support/gateway-world.ts';
import { startSteps, type StepsWorld } from '#tests/support/steps-world.ts';
import { visitsManifest } from '#tests/support/visits-program.ts';

/** Each death takes a second: an isolate whose stack has overflowed waits for its deadline. */
const MAX_ABORTS = 1;

/** Ends its isolate for everybody of an age below the parameter: V8 has no stack for text that is nested so deep. */
const MODULE = `export function map(row, params) {
  let nested = [];
  if (row.age < params.age) for (let depth = 0; depth < 100000; depth += 1) nested = [nested];
  return JSON.stringify(nested).length + row.cost;
}
`;
const MANIFEST = visitsManifest({ name: 'deep', inputs: { steps: ['age', 'cost'] }, fuel: 110_000 });

let steps: StepsWorld;
let program: string;

beforeAll(async () => {
  steps = await startSteps(MAX_ABORTS + 1, { maxAborts: MAX_ABORTS });
  program = await steps.approved(MODULE, MANIFEST);
});
afterAll(() => steps.close());

const askOf = (deadly: number, epsilon: number) => ({ program, params: { age: deadly }, epsilon });

/** Runs the program with so many deadly records; how its job ended. */
async function ended(deadly: number, epsilon: number): Promise<unknown> {
  const { code, outcome } = await steps.ended(askOf(deadly, epsilon));
  return code ?? outcome;
}

const shown = () =>
  jsonOf<{ state: string; waitsFor: readonly string[]; events: readonly { event: string }[] }>(
    steps.world.as('olga', `/v1/programs/${program}`),
  );

test('three jobs that a program aborts suspend it, and both sides reinstate it', async () => {
  expect(await ended(MAX_ABORTS, 0.01)).toBe('released');
  expect(steps.aborts).toEqual([]);
  for (const epsilon of [0.011, 0.012]) expect(await ended(MAX_ABORTS + 1, epsilon)).toBe('PROGRAM_ABORTED');
  expect((await shown()).state).toBe('approved');
  expect(await ended(MAX_ABORTS, 0.013)).toBe('released');
  expect(await ended(MAX_ABORTS + 1, 0.014)).toBe('PROGRAM_ABORTED');

  expect(steps.aborts.map(({ program, aborts, suspended }) => [program, aborts, suspended])).toEqual([
    [program, 1, false],
    [program, 2, false],
    [program, 3, true],
  ]);
  const refused = await jsonOf(steps.ask(askOf(0, 0.015)));
  expect(refused).toMatchObject({ code: 'PROGRAM_NOT_APPROVED' });
  expect(String(refused['detail'])).toContain('is suspended: 3 of its jobs ended as PROGRAM_ABORTED');
  const { state, waitsFor, events } = await shown();
  expect(state).toBe('suspended');
  expect(waitsFor).toEqual(['the approval of the operator', 'the approval of the provider `health-bureau`']);
  const kinds = events.map(({ event }) => event).filter((event) => event !== 'read');
  expect(kinds.slice(-4)).toEqual(['aborted', 'aborted', 'aborted', 'suspended']);
  const list = await (await steps.world.as('olga', '/v1/programs')).text();
  expect(list).toContain('"state":"suspended"');

  await steps.approve(program);
  expect(await ended(0, 0.016)).toBe('released');
  expect(await findViolations(steps.world.db)).toEqual([]);
  expect(steps.world.bugs).toEqual([]);
}, 120_000);
