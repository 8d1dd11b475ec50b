/** The verbs `quote`, `query`, `run` and `call`: what an answer would cost, and the answer, of a query, a program or a product. */
import { Failure, Refusal, REFUSED_CODES } from '#policies/refusal.ts';
import { say } from '#policies/words.ts';
import type { Client } from '../client/client.ts';
import { ProblemError } from '../client/problem.ts';
import type { Ask, Job } from '../client/resources.ts';
import { renderAnswer, renderQuote } from './answer.ts';
import { EXIT, type ExitCode } from './exit-code.ts';
import { printable } from './table.ts';
import { readArgument, readJsonArgument, worded } from './terminal.ts';
import { defineVerb, type FlagSpec, print, printJson, type VerbCall, type VerbHost } from './verb.ts';

const SQL_FLAGS: readonly FlagSpec[] = [
  { flags: '--sql <text>', about: 'cli.flag.sql', conflicts: ['sqlFile'] },
  { flags: '--sql-file <file>', about: 'cli.flag.sqlFile' },
];
const PARAMS_FLAG: FlagSpec = { flags: '--params <file>', about: 'cli.flag.params' };
const TERM_FLAGS: readonly FlagSpec[] = [
  { flags: '--grant <id>', about: 'cli.flag.grant', required: true },
  { flags: '--purpose <purpose>', about: 'cli.flag.purpose', required: true },
  { flags: '--scene <id>', about: 'cli.flag.scene' },
  { flags: '--epsilon <number>', about: 'cli.flag.epsilon', conflicts: ['maxError'] },
  { flags: '--delta <number>', about: 'cli.flag.delta' },
  { flags: '--max-error <number>', about: 'cli.flag.maxError' },
  { flags: '--at-size <number>', about: 'cli.flag.atSize' },
  { flags: '--output-kind <kind>', about: 'cli.flag.outputKind' },
  { flags: '--cost-centre <id>', about: 'cli.flag.costCentre' },
];

/** A call of a product says nothing of ε and accuracy: they are the product's. */
const CALL_TERMS = ['--grant', '--purpose', '--cost-centre'];
/** To accept a quote takes none of what making one does. */
const QUOTE_TERMS = TERM_FLAGS.map((flag) => ({ ...flag, required: false }));

export function registerAskVerbs(host: VerbHost): void {
  defineVerb(
    host,
    {
      name: 'quote [accept] [id]',
      about: 'cli.quote',
      flags: [
        ...QUOTE_TERMS,
        ...SQL_FLAGS,
        { flags: '--program <program>', about: 'cli.flag.program', conflicts: ['sql', 'sqlFile'] },
        PARAMS_FLAG,
      ],
      examples: [
        "unseen quote --grant g-1 --purpose public_health --sql 'SELECT COUNT(*) FROM visits'",
        'unseen quote --grant g-1 --purpose public_health --sql-file cost.sql --max-error 50 --at-size 1000',
        'unseen quote --grant g-1 --purpose public_health --program high-spenders --params params.json',
        'unseen quote accept QUOTE',
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
        ...TERM_FLAGS,
        ...SQL_FLAGS,
        { flags: '--quote <id>', about: 'cli.flag.quote' },
        { flags: '--csv', about: 'cli.flag.csv', conflicts: ['json'] },
      ],
      examples: [
        "unseen query --grant g-1 --purpose public_health --sql 'SELECT region, AVG(cost) FROM visits GROUP BY region'",
        'unseen query --grant g-1 --purpose public_health --sql-file - --csv < cost.sql',
      ],
    },
    query,
  );
  defineVerb(
    host,
    {
      name: 'run <program>',
      about: 'cli.run',
      flags: [
        PARAMS_FLAG,
        ...TERM_FLAGS,
        { flags: '--quote-only', about: 'cli.flag.quoteOnly', conflicts: ['quote', 'csv'] },
        { flags: '--quote <id>', about: 'cli.flag.quote' },
        { flags: '--csv', about: 'cli.flag.csv', conflicts: ['json'] },
      ],
      examples: [
        'unseen run high-spenders --grant g-1 --purpose public_health --params params.json',
        'unseen run DIGEST --grant g-1 --purpose public_health --max-error 50 --quote-only',
      ],
    },
    run,
  );
  defineVerb(
    host,
    {
      name: 'call <product>',
      about: 'cli.call',
      flags: [
        ...TERM_FLAGS.filter(({ flags }) => CALL_TERMS.some((name) => flags.startsWith(`${name} `))),
        { flags: '--param <name=value>', about: 'cli.flag.parameter', repeats: true },
        { flags: '--month <month>', about: 'cli.flag.parameterMonth' },
        { flags: '--quote-only', about: 'cli.flag.quoteOnly', conflicts: ['quote', 'csv'] },
        { flags: '--quote <id>', about: 'cli.flag.quote' },
        { flags: '--csv', about: 'cli.flag.csv', conflicts: ['json'] },
      ],
      examples: [
        'unseen call P-0012 --grant g-1 --purpose market_analysis --month 2026-10',
        'unseen call P-0012 --grant g-1 --purpose market_analysis --param month=2026-10 --param least=18 --quote-only',
      ],
    },
    callProduct,
  );
}

async function callProduct(call: VerbCall): Promise<ExitCode> {
  const [month, costCentre] = [call.text('month'), call.text('costCentre')];
  const ask = {
    grant: call.text('grant') ?? '',
    purpose: call.text('purpose') ?? '',
    product: call.argument(0),
    parameters: {
      ...Object.fromEntries(call.list('param').map(parameterOf)),
      ...(month !== undefined && { month }),
    },
    ...(costCentre !== undefined && { costCentre }),
  };
  const client = call.client();
  return call.isSet('quoteOnly') ? quoted(call, client, ask) : answered(call, client, ask);
}

/** `name=value`; its type is the product's to say, and a number may be written as text. */
function parameterOf(written: string): readonly [name: string, value: string] {
  const at = written.indexOf('=');
  if (at < 1) throw new Failure('CONFIG', say('cli.parameterForm', { value: written }));
  return [written.slice(0, at), written.slice(at + 1)];
}

async function acceptQuote(call: VerbCall): Promise<ExitCode> {
  const id = call.argument(1);
  if (id === '') throw new Failure('CONFIG', say('cli.quoteId'));
  const accepted = await call.client().quotes.accept(id);
  const told = { quote: accepted.quote, leaf: accepted.leafIndex };
  await print(call, accepted, () => `${worded(call.terminal, 'cli.quoteAccepted', told)}\n`);
  return EXIT.done;
}

async function quote(call: VerbCall): Promise<ExitCode> {
  const act = call.argument(0);
  if (act === 'accept') return acceptQuote(call);
  const missing = ['grant', 'purpose'].filter((flag) => call.text(flag) === undefined);
  if (act !== '' || missing.length > 0)
    throw new Failure('CONFIG', say('cli.quoteNeeds', { flags: '--grant, --purpose' }));
  const client = call.client();
  const program = call.text('program');
  return quoted(call, client, await askOf(call, program === undefined ? null : { client, program }));
}

async function quoted(call: VerbCall, client: Client, ask: Ask): Promise<ExitCode> {
  const made = await client.quote(ask);
  await print(call, made, () => renderQuote(call.terminal, made));
  return made.refused === null ? EXIT.done : EXIT.refused;
}

async function query(call: VerbCall): Promise<ExitCode> {
  const ask = await askOf(call, null);
  return answered(call, call.client(), ask);
}

async function run(call: VerbCall): Promise<ExitCode> {
  const client = call.client();
  const ask = await askOf(call, { client, program: call.argument(0) });
  return call.isSet('quoteOnly') ? quoted(call, client, ask) : answered(call, client, ask);
}

async function answered(call: VerbCall, client: Client, ask: Ask): Promise<ExitCode> {
  const under = call.text('quote');
  let job: Job;
  try {
    job = await client.submit({ ...ask, ...(under !== undefined && { quote: under }) });
  } catch (error) {
    if (!(error instanceof ProblemError) || !isRefusal(error.code)) throw error;
    return refusedAtOnce(call, error);
  }
  call.terminal.err(`${worded(call.terminal, 'cli.submitted', { job: job.id })}\n`);
  if (job.review === true) call.terminal.err(`${worded(call.terminal, 'cli.reviewed', { job: job.id })}\n`);
  return finishJob(call, client, await client.waitForJob(job.id));
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

/** A request by the flags: of a query, or of a program of whoever asks. */
async function askOf(
  call: VerbCall,
  run: { readonly client: Client; readonly program: string } | null,
): Promise<Ask> {
  const [scene, outputKind] = [call.text('scene'), call.text('outputKind')];
  const costCentre = call.text('costCentre');
  const [epsilon, delta] = [numberOf(call, 'epsilon'), numberOf(call, 'delta')];
  const [maxError, atSize] = [numberOf(call, 'maxError'), numberOf(call, 'atSize')];
  return {
    grant: call.text('grant') ?? '',
    ...(run === null ? { sql: await sqlOf(call) } : await programOf(call, run)),
    purpose: call.text('purpose') ?? '',
    ...(scene !== undefined && { scene }),
    ...(epsilon !== undefined && { epsilon }),
    ...(delta !== undefined && { delta }),
    ...(maxError !== undefined && { maxError }),
    ...(atSize !== undefined && { atSize }),
    ...(outputKind !== undefined && { outputKind }),
    ...(costCentre !== undefined && { costCentre }),
  };
}

/** A program by its digest, or by the name of the newest version that is approved; with its parameters. */
async function programOf(
  call: VerbCall,
  { client, program }: { readonly client: Client; readonly program: string },
): Promise<Pick<Ask, 'program' | 'params'>> {
  const file = call.text('params');
  const params = file === undefined ? undefined : await readJsonArgument(call.terminal, file);
  const isDigest = /^sha256:[0-9a-f]{64}$/.test(program);
  const digest = isDigest ? program : await newestApproved(client, program);
  return {
    program: digest,
    ...(params !== undefined && { params: params as NonNullable<Ask['params']> }),
  };
}

/** Refusal PROGRAM_NOT_APPROVED when there is none. */
async function newestApproved(client: Client, name: string): Promise<string> {
  const { organisation } = await client.me();
  const named = (await client.programs())
    .filter((one) => one.name === name && one.state === 'approved' && one.organisation === organisation.id)
    .toSorted((left, right) => right.version - left.version);
  const [newest] = named;
  if (newest === undefined) throw new Refusal('PROGRAM_NOT_APPROVED', say('cli.program.unknown', { name }));
  return newest.digest;
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
