/**
 * `unseen demo --programs`: a program from its first refusal to a trained model, and one that is killed.
 *
 * Everything goes over HTTP as it does for anyone: the buyer submits, operator and provider read and approve, the buyer
 * asks for gradients and sees noisy sums. It fails when a step does not do what it should.
 */
import { join } from 'node:path';
import type { SentenceId } from '#policies/words.ts';
import type { Client } from '../client/client.ts';
import { ProblemError } from '../client/problem.ts';
import type { Job, Release } from '../client/resources.ts';
import { runStatements } from './generate.ts';
import {
  ENDLESS_PROGRAM,
  GRADIENT_PROGRAM,
  READMISSIONS,
  READMISSIONS_POLICY,
  readmissionsStatement,
  TRUE_WEIGHTS,
} from './readmissions.ts';

/** What a part of the demo has at hand. */
export interface Stage {
  readonly directory: string;
  readonly purpose: string;
  client(party: 'operator' | 'provider' | 'buyer'): Client;
  line(id: SentenceId, args?: Readonly<Record<string, string | number>>): Promise<void>;
  text(text: string): Promise<void>;
  grant(dataset: string, columns: readonly string[]): Promise<string>;
  fail(): void;
}

const SEED = 20_261_121;
const COLUMNS = ['region', 'age', 'stays', 'chronic', 'readmitted'];
const STEPS = 8;
const STEP_EPSILON = 0.4;
/** Of gradient descent; the loss is smooth enough for it. */
const RATE = 4;
/** A weight that is further from the one that made the data than this has not been learned. */
const TOLERANCE = 0.1;
const KILL_MS = 5_000;

/** Runs the part. Throws when the server does not answer as it should. */
export async function programsDemo(stage: Stage): Promise<void> {
  await runStatements([readmissionsStatement(join(stage.directory, 'readmissions.parquet'), SEED)]);
  const { versionId } = await stage.client('provider').registerDataset({
    manifest: READMISSIONS,
    policy: READMISSIONS_POLICY,
    baseDirectory: stage.directory,
  });
  await stage.line('demo.registered', { dataset: 'readmissions', version: versionId });
  const grant = await stage.grant('readmissions', COLUMNS);
  await refusedForState(stage);
  const model = await approved(stage, GRADIENT_PROGRAM);
  await train(stage, grant, model);
  await killed(stage, grant, await approved(stage, ENDLESS_PROGRAM));
}

async function refusedForState(stage: Stage): Promise<void> {
  await stage.line('demo.programs.submits');
  await stage.text(`${indented(GRADIENT_PROGRAM.stateful)}\n`);
  const { stateful: module, manifest } = GRADIENT_PROGRAM;
  try {
    await stage.client('buyer').submitProgram({ module, manifest });
    stage.fail();
  } catch (error) {
    if (!(error instanceof ProblemError) || error.code !== 'PROGRAM_NOT_ADMITTED') throw error;
    await stage.line('demo.refused', { code: error.code, detail: error.detail });
    for (const { line, column, message } of error.findings)
      await stage.text(`  ${line}:${column} ${message}\n`);
  }
}

/** Submits a program and has both sides read and approve it; its digest. */
async function approved(
  stage: Stage,
  { module, manifest }: { readonly module: string; readonly manifest: string },
): Promise<string> {
  const { digest, name } = await stage.client('buyer').submitProgram({ module, manifest });
  for (const side of ['operator', 'provider'] as const) {
    await stage.client(side).program(digest);
    await stage.client(side).approveProgram(digest, { side });
  }
  await stage.line('demo.programs.approved', { name, digest });
  return digest;
}

/** Gradient descent by jobs: each step asks for a noisy gradient at the weights so far. */
async function train(stage: Stage, grant: string, program: string): Promise<void> {
  await stage.line('demo.programs.trains', { steps: STEPS, epsilon: STEP_EPSILON });
  let w: readonly number[] = TRUE_WEIGHTS.map(() => 0);
  for (let step = 1; step <= STEPS; step += 1) {
    const { outputs } = await answered(stage, { grant, program, params: { w }, epsilon: STEP_EPSILON });
    const values = outputs.map(({ value }) => value ?? 0);
    const patients = Math.max(1, values.at(-1) ?? 1);
    w = w.map((weight, index) => weight - (RATE * (values[index] ?? 0)) / patients);
    if (step === 1 || step === STEPS) {
      const band = (outputs[0]?.stddev ?? 0) / patients;
      await stage.line('demo.programs.step', { step, weights: shown(w), band: band.toExponential(1) });
    }
  }
  await stage.line('demo.programs.truth', { weights: shown(TRUE_WEIGHTS) });
  if (w.some((weight, index) => !(Math.abs(weight - TRUE_WEIGHTS[index]!) <= TOLERANCE))) stage.fail();
}

/** A job that would run for long, and the operator who withdraws its program meanwhile. */
async function killed(stage: Stage, grant: string, program: string): Promise<void> {
  const buyer = stage.client('buyer');
  const { id } = await buyer.submit({ grant, program, purpose: stage.purpose });
  await stage.line('demo.programs.runs');
  // Long enough for the worker to be at work.
  await new Promise((resolve) => {
    setTimeout(resolve, 1_500);
  });
  const withdrawn = performance.now();
  await stage.client('operator').withdrawProgram(program, 'demonstration of the kill switch');
  const job: Job = await buyer.waitForJob(id);
  const ms = performance.now() - withdrawn;
  if (job.code !== 'KILLED' || job.releaseId !== null || ms > KILL_MS) stage.fail();
  await stage.line('demo.programs.killed', { seconds: (ms / 1000).toFixed(1), code: job.code ?? '' });
}

async function answered(
  stage: Stage,
  ask: {
    readonly grant: string;
    readonly program: string;
    readonly params: Readonly<Record<string, unknown>>;
    readonly epsilon: number;
  },
): Promise<Release> {
  const buyer = stage.client('buyer');
  const job = await buyer.waitForJob((await buyer.submit({ ...ask, purpose: stage.purpose })).id);
  if (job.releaseId === null) throw new Error(`the demo's program ended as ${job.outcome}/${job.code}`);
  return buyer.release(job.releaseId, job.id);
}

function shown(weights: readonly number[]): string {
  return weights.map((weight) => weight.toFixed(2)).join(', ');
}

function indented(text: string): string {
  return text.replaceAll(/^(?=.)/gm, '  ');
}
