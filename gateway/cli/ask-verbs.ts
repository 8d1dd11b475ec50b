/** The verbs `quote` and `query`: what an answer would cost, and the answer. */
import { Failure, Refusal, REFUSED_CODES } from '#policies/refusal.ts';
import { say } from '#policies/words.ts';
import type { Client } from '../client/client.ts';
import { ProblemError } from '../client/problem.ts';
import type { Ask, Job, Quote } from '../client/resources.ts';
import { renderAnswer, renderQuote } from './answer.ts';
import { EXIT, type ExitCode } from './exit-code.ts';
import { printable } from './table.ts';
import { readArgument, worded } from './terminal.ts';
import { defineVerb, type FlagSpec, print, printJson, type VerbCall, type VerbHost } from './verb.ts';

const ASK_FLAGS: readonly FlagSpec[] = [
  { flags: '--grant <id>', about: 'cli.flag.grant', required: true },
  { flags: '--sql <text>', about: 'cli.flag.sql', conflicts: ['sqlFile'] },
  { flags: '--sql-file <file>', about: 'cli.flag.sqlFile' },
  { flags: '--purpose <purpose>', about: 'cli.flag.purpose', required: true },
  { flags: '--scene <id>', about: 'cli.flag.scene' },
  { flags: '--epsilon <number>', about: 'cli.flag.epsilon' },
  { flags: '--delta <number>', about: 'cli.flag.delta' },
  { flags: '--output-kind <kind>', about: 'cli.flag.outputKind' },
];

const ERROR_FLAGS: readonly FlagSpec[] = [
  { flags: '--max-error <number>', about: 'cli.flag.maxError' },
  { flags: '--at-size <units>', about: 'cli.flag.atSize' },
];

export function registerAskVerbs(host: VerbHost): void {
  defineVerb(
    host,
    {
      name: 'quote',
      about: 'cli.quote',
      flags: [...ASK_FLAGS, ...ERROR_FLAGS],
      examples: [
        "unseen quote --grant g-1 --purpose public_health --sql 'SELECT COUNT(*) FROM visits'",
        'unseen quote --grant g-1 --purpose public_health --sql-file cost.sql --max-error 50 --at-size 1000',
      ],
    },
    quote,
  );
  defineVerb(
    host,
    {
      name: 'query',
      about: 'cli.query',
      flags: [
        ...ASK_FLAGS,
        ...ERROR_FLAGS,
        { flags: '--quote <id>', about: 'cli.flag.quote', conflicts: ['maxError'] },
        { flags: '--csv', about: 'cli.flag.csv', conflicts: ['json'] },
      ],
      examples: [
        "unseen query --grant g-1 --purpose public_health --sql 'SELECT region, AVG(cost) FROM visits GROUP BY region'",
        'unseen query --grant g-1 --purpose public_health --sql-file - --csv < cost.sql',
      ],
    },
    query,
  );
}

async function quote(call: VerbCall): Promise<ExitCode> {
  const made = await call.client().quote(await askOf(call));
  await print(call, made, () => renderQuote(call.terminal, made));
  if (made.refused !== null) return EXIT.refused;
  checkExpectedErrors(call, made);
  return EXIT.done;
}

async function query(call: VerbCall): Promise<ExitCode> {
  const ask = await askOf(call);
  const client = call.client();
  let job: Job;
  try {
    job = await client.submit({ ...ask, ...(await quoteIdOf(call, client, ask)) });
  } catch (error) {
    if (!(error instanceof ProblemError) || !isRefusal(error.code)) throw error;
    return refusedAtOnce(call, error);
  }
  call.terminal.err(`${worded(call.terminal, 'cli.submitted', { job: job.id })}\n`);
  if (job.review === true) call.terminal.err(`${worded(call.terminal, 'cli.reviewed', { job: job.id })}\n`);
  return finishJob(call, client, await client.waitForJob(job.id));
}

/** The quote to run under: the one that was given, or a fresh one whose expected errors are small enough. */
async function quoteIdOf(call: VerbCall, client: Client, ask: Ask): Promise<{ readonly quote?: string }> {
  const given = call.text('quote');
  if (given !== undefined) return { quote: given };
  if (call.text('maxError') === undefined) return {};
  const made = await client.quote(ask);
  if (made.refused !== null) throw new ProblemError(422, { ...made.refused });
  checkExpectedErrors(call, made);
  return { quote: made.id };
}

/** Prints how a job that is done ended, with its answer if it was released. */
export async function finishJob(call: VerbCall, client: Client, job: Job): Promise<ExitCode> {
  if (job.outcome !== 'released' || job.releaseId === null) return withoutAnswer(call, job);
  if (call.isSet('csv')) {
    await call.terminal.out(await client.releaseCsv(job.releaseId, job.id));
    return EXIT.done;
  }
  const release = await client.release(job.releaseId, job.id);
  const told = { decision: 'released', code: null, message: null, ...release, jobId: job.id, job };
  await print(call, told, () => renderAnswer(call.terminal, release));
  return EXIT.done;
}

async function withoutAnswer(call: VerbCall, job: Job): Promise<ExitCode> {
  const { terminal } = call;
  if (job.state !== 'done') {
    terminal.err(`unseen: ${worded(terminal, 'cli.notDone', { job: job.id, state: job.state })}\n`);
    if (call.json) await printJson(call, { decision: null, code: null, message: null, jobId: job.id, job });
    return EXIT.failed;
  }
  const refused = job.outcome === 'refused';
  const code = job.code ?? 'MACHINE_FAULT';
  const message = job.detail ?? worded(terminal, 'cli.ended', { outcome: job.outcome ?? 'failed', code });
  terminal.err(`unseen: ${code}: ${printable(message)}\n`);
  if (call.json) await printJson(call, { decision: job.outcome, code, message, jobId: job.id, job });
  return refused ? EXIT.refused : EXIT.failed;
}

async function refusedAtOnce(call: VerbCall, { code, detail, jobId }: ProblemError): Promise<ExitCode> {
  const { terminal } = call;
  terminal.err(`unseen: ${code}: ${printable(detail)}\n`);
  if (jobId !== null) terminal.err(`unseen: ${worded(terminal, 'cli.refusedJob', { job: jobId })}\n`);
  if (call.json) await printJson(call, { decision: 'refused', code, message: detail, jobId, job: null });
  return EXIT.refused;
}

function isRefusal(code: string): boolean {
  return (REFUSED_CODES as readonly string[]).includes(code);
}

async function askOf(call: VerbCall): Promise<Ask> {
  const [scene, outputKind] = [call.text('scene'), call.text('outputKind')];
  const [epsilon, delta] = [numberOf(call, 'epsilon'), numberOf(call, 'delta')];
  return {
    grant: call.text('grant') ?? '',
    sql: await sqlOf(call),
    purpose: call.text('purpose') ?? '',
    ...(scene !== undefined && { scene }),
    ...(epsilon !== undefined && { epsilon }),
    ...(delta !== undefined && { delta }),
    ...(outputKind !== undefined && { outputKind }),
  };
}

async function sqlOf(call: VerbCall): Promise<string> {
  const file = call.text('sqlFile');
  const sql = file === undefined ? call.text('sql') : await readArgument(call.terminal, file);
  if (sql === undefined || sql.trim() === '')
    throw new Failure('CONFIG', say('cli.oneOf', { flags: '--sql, --sql-file' }));
  return sql;
}

function numberOf(call: VerbCall, flag: 'epsilon' | 'delta' | 'maxError' | 'atSize'): number | undefined {
  const written = call.text(flag);
  if (written === undefined) return undefined;
  const value = Number(written);
  if (written.trim() === '' || !Number.isFinite(value) || value < 0)
    throw new Failure('CONFIG', say('cli.notNumber', { value: written }));
  return value;
}

/** Refuses when an output is expected to be less exact than `--max-error`. */
function checkExpectedErrors(call: VerbCall, { outputs }: Quote): void {
  const limit = numberOf(call, 'maxError');
  if (limit === undefined) return;
  const size = numberOf(call, 'atSize');
  for (const { name, half95, atSize } of outputs) {
    const half = half95 ?? atSize?.find((entry) => entry.size === size)?.half95;
    if (half === undefined) {
      const sizes = atSize?.map((entry) => entry.size).join(', ') ?? '';
      throw new Failure('CONFIG', say('cli.atSize', { name, sizes }));
    }
    if (half > limit) throw new Refusal('PARAM', say('cli.maxError', { name, half, limit }));
  }
}
