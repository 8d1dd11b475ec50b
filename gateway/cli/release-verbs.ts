/** The verbs `release …`: a reviewer looks at answers that wait for a person, and decides. */
import { REJECTION_REASONS } from '#policies/output-kind.ts';
import { renderAnswer } from './answer.ts';
import { renderTable } from './table.ts';
import { worded } from './terminal.ts';
import { defineGroup, defineVerb, print, printJson, type VerbCall, type VerbHost } from './verb.ts';

export function registerReleaseVerbs(parent: VerbHost): void {
  const host = defineGroup(parent, 'release', 'cli.release');
  defineVerb(host, { name: 'list', about: 'cli.release.list', examples: ['unseen release list'] }, list);
  defineVerb(
    host,
    {
      name: 'show <job>',
      about: 'cli.release.show',
      examples: ['unseen release show JOB', 'unseen release show JOB --json'],
    },
    async (call) => {
      const release = await call.client().review(call.argument(0));
      await print(call, release, () => renderAnswer(call.terminal, release));
    },
  );
  defineVerb(
    host,
    { name: 'approve <job>', about: 'cli.release.approve', examples: ['unseen release approve JOB'] },
    async (call) => {
      const job = call.argument(0);
      const decided = await call.client().approveRelease(job);
      if (call.json) return printJson(call, decided);
      await call.terminal.out(`${worded(call.terminal, 'cli.release.approved', { job })}\n`);
    },
  );
  defineVerb(
    host,
    {
      name: 'reject <job>',
      about: 'cli.release.reject',
      flags: [
        {
          flags: '--reason <code>',
          about: 'cli.flag.rejection',
          required: true,
          choices: REJECTION_REASONS,
        },
        { flags: '--note <text>', about: 'cli.flag.note' },
      ],
      examples: [
        'unseen release reject JOB --reason GROUPS_TOO_FINE',
        "unseen release reject JOB --reason PURPOSE_MISMATCH --note 'asked for pricing'",
      ],
    },
    reject,
  );
}

async function list(call: VerbCall): Promise<void> {
  const items = await call.client().reviews();
  const { terminal } = call;
  const titles = ['job', 'dataset', 'grant', 'purpose', 'scene', 'kind', 'since'] as const;
  await print(call, { items }, () =>
    renderTable(
      titles.map((name) => ({ title: worded(terminal, `cli.column.${name}`) })),
      items.map((item) => titles.map((name) => item[name] ?? '')),
    ),
  );
}

async function reject(call: VerbCall): Promise<void> {
  const [job, reason, note] = [call.argument(0), call.text('reason') ?? '', call.text('note')];
  const decided = await call.client().rejectRelease(job, { reason, ...(note !== undefined && { note }) });
  if (call.json) return printJson(call, decided);
  await call.terminal.out(`${worded(call.terminal, 'cli.release.rejected', { job, reason })}\n`);
}
