/** The verbs `job …`: what became of a request, in the public states that a buyer may see. */
import type { Job } from '../client/resources.ts';
import { Failure } from '#policies/refusal.ts';
import { say } from '#policies/words.ts';
import { finishJob } from './ask-verbs.ts';
import type { ExitCode } from './exit-code.ts';
import { renderFields, renderTable } from './table.ts';
import { type Terminal, worded } from './terminal.ts';
import { defineGroup, defineVerb, print, type VerbCall, type VerbHost } from './verb.ts';

export function registerJobVerbs(parent: VerbHost): void {
  const host = defineGroup(parent, 'job', 'cli.job');
  defineVerb(
    host,
    {
      name: 'list',
      about: 'cli.job.list',
      flags: [
        { flags: '--account <id>', about: 'cli.flag.ofAccount' },
        { flags: '--dataset <name>', about: 'cli.flag.ofDataset' },
      ],
      examples: ['unseen job list', 'unseen job list --dataset visits --json'],
    },
    list,
  );
  defineVerb(host, { name: 'show <id>', about: 'cli.job.show', examples: ['unseen job show JOB'] }, (call) =>
    show(call, call.client().job(call.argument(0))),
  );
  defineVerb(
    host,
    {
      name: 'wait <id>',
      about: 'cli.job.wait',
      flags: [
        { flags: '--timeout <seconds>', about: 'cli.flag.timeout' },
        { flags: '--csv', about: 'cli.flag.csv', conflicts: ['json'] },
      ],
      examples: ['unseen job wait JOB', 'unseen job wait JOB --timeout 60 --json'],
    },
    wait,
  );
  defineVerb(
    host,
    { name: 'cancel <id>', about: 'cli.job.cancel', examples: ['unseen job cancel JOB'] },
    (call) => show(call, call.client().cancelJob(call.argument(0))),
  );
}

async function list(call: VerbCall): Promise<void> {
  const [account, dataset] = [call.text('account'), call.text('dataset')];
  const items = await call.client().jobs({
    ...(account !== undefined && { account }),
    ...(dataset !== undefined && { dataset }),
  });
  const { terminal } = call;
  const titles = ['id', 'dataset', 'grant', 'state', 'releaseAt'] as const;
  await print(call, { items }, () =>
    renderTable(
      titles.map((name) => ({ title: worded(terminal, `cli.column.${name}`) })),
      items.map((job) => [
        job.id,
        job.dataset ?? '',
        job.grant ?? '',
        stateText(terminal, job),
        job.releaseAt ?? '',
      ]),
    ),
  );
}

async function show(call: VerbCall, asked: Promise<Job>): Promise<void> {
  const job = await asked;
  const { terminal } = call;
  const fields: [string, string | null | undefined][] = [
    [worded(terminal, 'cli.column.id'), job.id],
    [worded(terminal, 'cli.column.dataset'), job.dataset],
    [worded(terminal, 'cli.column.grant'), job.grant],
    [worded(terminal, 'cli.column.purpose'), job.purpose],
    [worded(terminal, 'cli.column.state'), stateText(terminal, job)],
    [worded(terminal, 'cli.column.releaseAt'), job.releaseAt],
    [worded(terminal, 'cli.column.release'), job.releaseId],
  ];
  await print(call, job, () =>
    renderFields(fields.flatMap(([name, value]) => (value ? [[name, value] as const] : []))),
  );
}

async function wait(call: VerbCall): Promise<ExitCode> {
  const written = call.text('timeout');
  const seconds = written === undefined ? Number.POSITIVE_INFINITY : Number(written);
  if (!(seconds >= 0)) throw new Failure('CONFIG', say('cli.notNumber', { value: written ?? '' }));
  const client = call.client();
  return finishJob(call, client, await client.waitForJob(call.argument(0), seconds * 1_000));
}

function stateText(terminal: Terminal, { state, outcome, code }: Job): string {
  const told = worded(terminal, `cli.state.${outcome ?? state}`);
  return code === null ? told : `${told} (${code})`;
}
